import { shareLimit, writeLimits } from './allowance.ts'
import { type CreateMeter, meterCode } from './metered-code.ts'
import { kind, passImport, passTable, readLimits, refuse, type Survey, section } from './module-survey.ts'
import { filler } from './small-functions.ts'
import { WasmBytes, WasmWriter } from './wasm-bytes.ts'

/** Sections that the format knows, in its order; 13 holds tags. Others have no place of their own. */
const order = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11]
const [mutable, i64, i64Const, end] = [1, 0x7e, 0x42, 0x0b]

/** Globals, and exports, that V8 takes of a module. The fuel is one of each. */
const listMax = 1_000_000

/** What the module may have, and where its fuel is. */
export interface Terms {
  readonly maxMemoryPages: number
  readonly maxTableElements: number
  readonly startFuel: number
  readonly fuelExport: string
}

/** Writes the module anew: with metered functions, the fuel among its globals and exports, and its limits lowered. */
export function writeMeteredSections(
  wasm: Uint8Array,
  found: Survey,
  terms: Terms,
  createMeter: CreateMeter,
): { readonly bytes: Uint8Array<ArrayBuffer>; readonly instructions: number } {
  const { sections, globals, memories, tables } = found
  const { maxMemoryPages, maxTableElements } = terms
  const pages = shareLimit('pages of memory', maxMemoryPages, memories).values()
  const elements = shareLimit('table elements', maxTableElements, tables).values()
  const bytes = new WasmBytes(wasm)
  const { functions, fillers, instructions } = meterCode(
    wasm,
    found,
    { global: globals, maxMemoryPages, maxTableElements },
    createMeter,
  )
  const codeGrowth = functions.length - (found.code.to - found.code.from)
  const out = new WasmWriter(wasm.length + codeGrowth + fillers * (filler.length + 4) + 1024)
  const content = new WasmWriter(1024)

  /** Passes over the items of a list, and writes anew what is limits in them. */
  function rewriteLimits(pass: (limits: (its: number) => void) => void): void {
    const count = bytes.number()
    content.number(count)
    for (let index = 0; index < count; index++) {
      let from = bytes.at
      pass((its) => {
        content.copyRange(wasm, from, bytes.at)
        const most = (its === kind.memory ? pages : elements).next().value as number
        writeLimits(content, readLimits(bytes), most)
        from = bytes.at
      })
      content.copyRange(wasm, from, bytes.at)
    }
  }

  function checkRoom(what: string, count: number): void {
    if (count < listMax) return
    throw refuse(`the module has ${count} ${what}, and may have one less than ${listMax}`, 'build it with fewer')
  }

  function writeGlobals(rest: Uint8Array, count: number): void {
    checkRoom('globals', globals)
    content.number(count + 1)
    content.copy(rest)
    content.copy(Uint8Array.of(i64, mutable, i64Const))
    content.signed(terms.startFuel)
    content.byte(end)
  }

  function writeExports(rest: Uint8Array, count: number): void {
    checkRoom('exports', count)
    content.number(count + 1)
    content.copy(rest)
    content.export(terms.fuelExport, kind.global, globals)
  }

  /** Not by way of the content: it is most of the module. */
  function writeCode(): void {
    content.number(found.functions.length + fillers)
    out.byte(section.code)
    out.number(content.length + functions.length + fillers * filler.length)
    out.append(content)
    out.append(functions)
    for (let index = 0; index < fillers; index++) out.copy(filler)
    content.clear()
  }

  /** Writes the content of a section that begins at the reader; false for one that stays as it is. */
  function writeSection(id: number, to: number): boolean {
    switch (id) {
      case section.import:
        rewriteLimits((limits) => passImport(bytes, limits))
        return true
      case section.table:
        rewriteLimits((limits) => passTable(bytes, () => limits(kind.table)))
        return true
      case section.memory:
        rewriteLimits((limits) => limits(kind.memory))
        return true
      case section.global:
      case section.export: {
        const count = bytes.number()
        const rest = wasm.subarray(bytes.at, to)
        if (id === section.global) writeGlobals(rest, count)
        else writeExports(rest, count)
        return true
      }
      case section.function:
        content.number(bytes.number() + fillers)
        content.copyRange(wasm, bytes.at, to)
        for (let index = 0; index < fillers; index++) content.number(found.functions[0] as number)
        return true
      default:
        return false
    }
  }

  function flush(id: number): void {
    const written = content.written()
    out.byte(id)
    out.number(written.length)
    out.copy(written)
    content.clear()
  }

  /** Sections that the module has not, and now needs, come where the format wants them. */
  const missing = [section.global, section.export].filter((id) => !sections.some((each) => each.id === id))
  function writeMissingBefore(rank: number): void {
    while (missing[0] !== undefined && order.indexOf(missing[0]) < rank) {
      const id = missing.shift() as number
      if (id === section.global) writeGlobals(new Uint8Array(0), 0)
      else writeExports(new Uint8Array(0), 0)
      flush(id)
    }
  }

  out.copy(wasm.subarray(0, 8))
  for (const { id, from, to, begins } of sections) {
    if (id !== 0) writeMissingBefore(order.indexOf(id))
    bytes.at = from
    if (id === section.code) writeCode()
    else if (writeSection(id, to)) flush(id)
    else out.copyRange(wasm, begins, to)
  }
  writeMissingBefore(order.length)
  return { bytes: out.written(), instructions }
}
