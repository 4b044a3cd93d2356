import { kind, section } from './module-survey.ts'
import { freeExportName, readExportNames, sectionsOf, WasmBytes, WasmWriter } from './wasm-bytes.ts'

export interface FreedStart {
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Name of the exported function that was the start function; undefined where the module has none. */
  readonly startExport: string | undefined
}

/** The export section, from behind its length to its end, with one function more. */
function withExport(exports: Uint8Array, name: string, index: number): Uint8Array {
  const bytes = new WasmBytes(exports)
  const count = bytes.number()
  const out = new WasmWriter(exports.length + 64)
  out.number(count + 1)
  out.copy(exports.subarray(bytes.at))
  out.export(name, kind.function, index)
  return out.written()
}

/**
 * Has the start function of a valid module that exports something called by the host and not by V8 while it
 * instantiates: it then has the fuel that the host gives it, how it ends can be told, and its calls find a memory.
 */
export function freeStart(wasm: Uint8Array<ArrayBuffer>): FreedStart {
  const sections = sectionsOf(wasm)
  const contentOf = (id: number): Uint8Array | undefined => {
    const found = sections.find((each) => each.id === id)
    return found && wasm.subarray(found.from, found.to)
  }
  const [start, exports] = [contentOf(section.start), contentOf(section.export)]
  if (start === undefined || exports === undefined) return { bytes: wasm, startExport: undefined }

  const startExport = freeExportName('openracing_start', readExportNames(new WasmBytes(exports)))
  const out = new WasmWriter(wasm.length + 64)
  out.copy(wasm.subarray(0, 8))
  for (const { id, begins, from, to } of sections) {
    if (id === section.start) continue
    if (id !== section.export) {
      out.copyRange(wasm, begins, to)
      continue
    }
    const written = withExport(wasm.subarray(from, to), startExport, new WasmBytes(start).number())
    out.byte(id)
    out.number(written.length)
    out.copy(written)
  }
  return { bytes: out.written().slice(), startExport }
}
