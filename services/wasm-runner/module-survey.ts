import { RigError } from '../../rpc/failure.ts'
import { code, skipImmediates } from './instructions.ts'
import { type ModuleType, readTypes } from './module-types.ts'
import { readExportNames, type Section, sectionsOf, WasmBytes } from './wasm-bytes.ts'

/** A module that is refused: what it has that cannot be, and what its author can do. */
export const refuse = (what: string, remedy: string): RigError => new RigError('PLUGIN_INVALID', `${what}; ${remedy}`)

export const section = {
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  tag: 13,
} as const
export const kind = { function: 0, table: 1, memory: 2, global: 3 } as const

export interface Limits {
  readonly flags: number
  readonly minimum: number
  readonly maximum: number
}

/** Flags of limits. */
export const hasMaximum = 1
export const is64 = 4

export function readLimits(bytes: WasmBytes): Limits {
  const flags = bytes.byte()
  const minimum = bytes.number()
  return { flags, minimum, maximum: flags & hasMaximum ? bytes.number() : Number.POSITIVE_INFINITY }
}

/** Parameters of each function type; -1 for types that are none. */
const parameterCount = (type: ModuleType): number => (type.kind === 'function' ? type.parameters.length : -1)

/** Reads one import; `limits` is told where its limits are, and writes them anew. */
export function passImport(bytes: WasmBytes, limits: (kind: number) => void): number {
  bytes.skip(bytes.number())
  bytes.skip(bytes.number())
  const its = bytes.byte()
  switch (its) {
    case kind.table:
      bytes.type()
      limits(its)
      break
    case kind.memory:
      limits(its)
      break
    case kind.global:
      bytes.type()
      bytes.skip(1)
      break
    case kind.function:
      bytes.skipNumber()
      break
    default: // a tag
      bytes.skip(1)
      bytes.skipNumber()
  }
  return its
}

/** Reads one table as far as its limits, and what comes after them when they are read. */
export function passTable(bytes: WasmBytes, limits: () => void): void {
  const first = bytes.bytes[bytes.at]
  const initialised = first === 0x40
  if (initialised) bytes.skip(2)
  bytes.type()
  limits()
  if (initialised) passExpression(bytes)
}

/** Reads a constant expression, and its end. */
export function passExpression(bytes: WasmBytes): void {
  for (let opcode = bytes.byte(); opcode !== code.end; opcode = bytes.byte()) skipImmediates(bytes, opcode)
}

/** What has to be known of a module before any of it is written. */
export interface Survey {
  readonly sections: readonly Section[]
  readonly types: readonly number[]
  /** Type of each function that has code. */
  readonly functions: readonly number[]
  /** Where the code section is; empty where there is none. */
  readonly code: { readonly from: number; readonly to: number }
  readonly memories: readonly Limits[]
  readonly tables: readonly Limits[]
  readonly globals: number
  readonly exports: ReadonlySet<string>
}

export function survey(wasm: Uint8Array): Survey {
  const bytes = new WasmBytes(wasm)
  const sections = sectionsOf(wasm)
  let types: readonly number[] = []
  let functions: readonly number[] = []
  const memories: Limits[] = []
  const tables: Limits[] = []
  let globals = 0
  let exports: ReadonlySet<string> = new Set()
  const keep = (its: number): void => void (its === kind.memory ? memories : tables).push(readLimits(bytes))

  for (const { id, from } of sections) {
    bytes.at = from
    if (id === section.type) types = readTypes(bytes).map(parameterCount)
    else if (id === section.import) {
      bytes.list(() => {
        if (passImport(bytes, keep) === kind.global) globals += 1
      })
    } else if (id === section.function) functions = bytes.list(() => bytes.number())
    else if (id === section.table) bytes.list(() => passTable(bytes, () => keep(kind.table)))
    else if (id === section.memory) bytes.list(() => keep(kind.memory))
    else if (id === section.global) globals += bytes.number()
    else if (id === section.export) exports = readExportNames(bytes)
  }
  const code = sections.find(({ id }) => id === section.code) ?? { from: 0, to: 0 }
  return { sections, types, functions, code, memories, tables, globals, exports }
}
