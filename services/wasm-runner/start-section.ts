import { WasmBytes, WasmWriter } from './wasm-bytes.ts'

export interface FreedStart {
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Name of the exported function that was the start function; undefined where the module has none. */
  readonly startExport: string | undefined
}

const section = { export: 7, start: 8 } as const
const functionKind = 0

interface Found {
  readonly id: number
  readonly from: number
  readonly to: number
}

function sectionsOf(bytes: WasmBytes): readonly Found[] {
  const found: Found[] = []
  bytes.skip(8)
  while (!bytes.done) {
    const id = bytes.byte()
    const length = bytes.number()
    found.push({ id, from: bytes.at, to: bytes.at + length })
    bytes.skip(length)
  }
  return found
}

function exportNames(bytes: WasmBytes): readonly string[] {
  return bytes.list(() => {
    const name = bytes.name()
    bytes.skip(1)
    bytes.skipNumber()
    return name
  })
}

function freeName(taken: readonly string[]): string {
  let name = 'openracing_start'
  while (taken.includes(name)) name += '_'
  return name
}

/** The export section, from behind its length to its end, with one function more. */
function withExport(section: Uint8Array, name: string, index: number): Uint8Array {
  const bytes = new WasmBytes(section)
  const count = bytes.number()
  const encoded = new TextEncoder().encode(name)
  const out = new WasmWriter(section.length + encoded.length + 16)
  out.number(count + 1)
  out.copy(section.subarray(bytes.at))
  out.number(encoded.length)
  out.copy(encoded)
  out.byte(functionKind)
  out.number(index)
  return out.written()
}

/**
 * Has the start function of a valid module that exports something called by the host and not by V8 while it
 * instantiates: it then has the fuel that the host gives it, how it ends can be told, and its calls find a memory.
 */
export function freeStart(wasm: Uint8Array<ArrayBuffer>): FreedStart {
  const sections = sectionsOf(new WasmBytes(wasm))
  const contentOf = (id: number): Uint8Array | undefined => {
    const found = sections.find((each) => each.id === id)
    return found && wasm.subarray(found.from, found.to)
  }
  const [start, exports] = [contentOf(section.start), contentOf(section.export)]
  if (start === undefined || exports === undefined) return { bytes: wasm, startExport: undefined }

  const startExport = freeName(exportNames(new WasmBytes(exports)))
  const out = new WasmWriter(wasm.length + 64)
  out.copy(wasm.subarray(0, 8))
  for (const { id, from, to } of sections) {
    if (id === section.start) continue
    const content = wasm.subarray(from, to)
    const written = id === section.export ? withExport(content, startExport, new WasmBytes(start).number()) : content
    out.byte(id)
    out.number(written.length)
    out.copy(written)
  }
  return { bytes: out.written().slice(), startExport }
}
