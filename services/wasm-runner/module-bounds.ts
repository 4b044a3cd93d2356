import { RigError } from '../../rpc/failure.ts'
import { passExpression, section } from './module-survey.ts'
import { sectionsOf, WasmBytes } from './wasm-bytes.ts'

/**
 * What V8 makes one by one when a module is instantiated, which is on a thread that other plugins share, costs no fuel and
 * cannot be interrupted. An export took 9 µs on the development machine, an entry of a table 0.1 µs: 300,000 exports, a
 * module of 2 MB, held everybody up for 2.7 s. With these bounds it is 20 ms at the most. The samples have ten exports and
 * no table.
 */
const most = {
  imports: 1000,
  exports: 1000,
  globals: 10_000,
  tags: 1000,
  'segments of table elements': 1000,
  'table elements that are set at the start': 20_000,
} as const

type Counted = keyof typeof most

const inSection: Readonly<Record<number, Counted>> = {
  [section.import]: 'imports',
  [section.global]: 'globals',
  [section.export]: 'exports',
  [section.element]: 'segments of table elements',
  [section.tag]: 'tags',
}

/** Entries of all segments that are written into a table before anything else happens. */
function activeElements(bytes: WasmBytes): number {
  let entries = 0
  bytes.list(() => {
    const flags = bytes.number()
    const isActive = (flags & 1) === 0
    if (isActive) {
      if (flags & 2) bytes.skipNumber() // the table
      passExpression(bytes)
    }
    if (flags & 3) bytes.type() // the kind, or the type, of its entries
    const count = bytes.number()
    for (let left = count; left > 0; left--) {
      if (flags & 4) passExpression(bytes)
      else bytes.skipNumber()
    }
    if (isActive) entries += count
  })
  return entries
}

function check(what: Counted, found: number): void {
  if (found <= most[what]) return
  throw new RigError('PLUGIN_INVALID', `the module has ${found} ${what}, and may have ${most[what]}; build it of less`)
}

/** Refuses a valid module that would be instantiated for too long. Throws PLUGIN_INVALID. */
export function checkInstantiation(wasm: Uint8Array): void {
  for (const { id, from, to } of sectionsOf(wasm)) {
    const what = inSection[id]
    if (what === undefined) continue
    const bytes = new WasmBytes(wasm.subarray(from, to))
    check(what, bytes.number())
    bytes.at = 0
    if (id === section.element) check('table elements that are set at the start', activeElements(bytes))
  }
}
