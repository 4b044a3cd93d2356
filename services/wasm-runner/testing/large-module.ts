// Modules that are large, put together from bytes: the assembler would take minutes for them.

function leb(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 128; rest >>>= 7) bytes.push((rest & 127) | 128)
  return Buffer.from([...bytes, rest])
}

const counted = (items: readonly Uint8Array[]): Buffer => Buffer.concat([leb(items.length), ...items])
const sized = (content: Uint8Array): Buffer => Buffer.concat([leb(content.length), content])
const text = (value: string): Buffer => sized(Buffer.from(value))
const section = (id: number, items: readonly Uint8Array[]): Buffer =>
  Buffer.concat([Buffer.from([id]), sized(counted(items))])
const repeated = (bytes: readonly number[], times: number): Buffer =>
  Buffer.alloc(bytes.length * times, Buffer.from(bytes))

const i32 = 0x7f
const type = (parameters: number, results: number): Buffer =>
  Buffer.from([0x60, parameters, ...Array(parameters).fill(i32), results, ...Array(results).fill(i32)])

const end = 0x0b
const constant = (value: number): Buffer => Buffer.from([0x41, value, end])
/** alloc always answers with 1024: the buffers of the host lie in one another, and nobody minds. */
const at1024 = Buffer.from([0x41, 0x80, 0x08, end])

/** A function `() -> i32`, with its code up to its `end`. */
interface LargeFunction {
  readonly locals: number
  readonly code: Uint8Array
}

export interface LargeModule {
  /** Beside those that a plugin needs. */
  readonly functions?: readonly LargeFunction[]
  readonly memoryPages?: number
  /** Bytes of a data segment at 4096. */
  readonly dataBytes?: number
  /** Exports beside those that a plugin needs, each with a name of its own. */
  readonly exports?: number
}

/** A whole plugin of openracing-sdk-1 that does nothing with what it has too much of. */
export function largeModule({
  functions = [],
  memoryPages = 1,
  dataBytes = 0,
  exports = 0,
}: LargeModule): Uint8Array<ArrayBuffer> {
  const needed: readonly (readonly [string, type: number, code: Buffer])[] = [
    ['openracing_abi', 0, constant(1)],
    ['alloc', 1, at1024],
    ['dealloc', 2, Buffer.from([end])],
    ['initialize', 3, constant(0)],
    ['process', 4, constant(0)],
  ]
  const bodies = [
    ...needed.map(([, , code]) => sized(Buffer.concat([Buffer.from([0]), code]))),
    ...functions.map(({ locals, code }) => {
      const declared =
        locals === 0 ? Buffer.from([0]) : Buffer.concat([Buffer.from([1]), leb(locals), Buffer.from([i32])])
      return sized(Buffer.concat([declared, code, Buffer.from([end])]))
    }),
  ]
  const exported = needed.map(([name], index) => Buffer.concat([text(name), Buffer.from([0, index])]))
  const others = Array.from({ length: exports }, (_, index) =>
    Buffer.concat([text(`export-${index}`), Buffer.from([0, 0])]),
  )
  const data = Buffer.concat([Buffer.from([0, 0x41, 0x80, 0x20, end]), sized(Buffer.alloc(dataBytes, 1))])
  return new Uint8Array(
    Buffer.concat([
      Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]),
      section(1, [type(0, 1), type(1, 1), type(2, 0), type(2, 1), type(4, 1)]),
      section(3, [...needed.map(([, its]) => Buffer.from([its])), ...functions.map(() => Buffer.from([0]))]),
      section(5, [Buffer.concat([Buffer.from([0]), leb(memoryPages)])]),
      section(7, [...exported, ...others, Buffer.concat([text('memory'), Buffer.from([2, 0])])]),
      section(10, bodies),
      ...(dataBytes > 0 ? [section(11, [data])] : []),
    ]),
  )
}

/** Functions that add one to one, `additions` times. */
export const longFunctions = (count: number, additions: number): readonly LargeFunction[] => {
  const code = Buffer.concat([Buffer.from([0x41, 0]), repeated([0x41, 1, 0x6a], additions)])
  return Array.from({ length: count }, () => ({ locals: 0, code }))
}

/** Functions for each of whose branches V8 writes down where all their locals are: seconds for each of some kilobytes. */
export const slowFunctions = (count: number, branches: number): readonly LargeFunction[] => {
  const code = Buffer.concat([
    Buffer.from([0x02, 0x40]), // block
    repeated([0x20, 0, 0x0d, 0], branches), // local.get 0, br_if 0
    Buffer.from([end, 0x20, 0]),
  ])
  return Array.from({ length: count }, () => ({ locals: 40_000, code }))
}
