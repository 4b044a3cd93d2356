// Plugins of a few instructions, put together by hand: each vice in its smallest form.

const valueType = { i32: 0x7f, i64: 0x7e, f32: 0x7d } as const
type ValueType = keyof typeof valueType

interface FunctionType {
  readonly parameters: readonly ValueType[]
  readonly results: readonly ValueType[]
}

const i32s = (count: number): ValueType[] => Array.from({ length: count }, () => 'i32')
const takes = (parameters: number, results: number): FunctionType => ({
  parameters: i32s(parameters),
  results: i32s(results),
})

function leb(value: number): number[] {
  const low = value & 0x7f
  const rest = value >>> 7
  return rest === 0 ? [low] : [low | 0x80, ...leb(rest)]
}

function signedLeb(value: number): number[] {
  const low = value & 0x7f
  const rest = value >> 7
  const last = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0)
  return last ? [low] : [low | 0x80, ...signedLeb(rest)]
}

const text = (value: string): number[] => [...leb(Buffer.byteLength(value)), ...Buffer.from(value)]
const list = (items: readonly (readonly number[])[]): number[] => [...leb(items.length), ...items.flat()]
const section = (id: number, content: readonly number[]): number[] => [id, ...leb(content.length), ...content]

/** Instructions. A function's result is what is left on the stack. */
export const op = {
  i32: (value: number): number[] => [0x41, ...signedLeb(value)],
  f32: (value: number): number[] => [0x43, ...Buffer.from(new Float32Array([value]).buffer)],
  parameter: (index: number): number[] => [0x20, index],
  storeF32: (offset: number): number[] => [0x38, 2, ...leb(offset)],
  storeI32: (offset: number): number[] => [0x36, 2, ...leb(offset)],
  storeI8: (offset: number): number[] => [0x3a, 0, ...leb(offset)],
  loadI32: (offset: number): number[] => [0x28, 2, ...leb(offset)],
  add: [0x6a],
  multiply: [0x6c],
  divide: [0x6d],
  divideF32: [0x95],
  toF32: [0xb2],
  call: (index: number): number[] => [0x10, ...leb(index)],
  grow: [0x40, 0],
  drop: [0x1a],
  trap: [0x00],
  equal: [0x46],
  /** What follows, up to `otherwise`, is done where the i32 on the stack is not 0; either part leaves an i32. */
  ifThen: [0x04, 0x7f],
  otherwise: [0x05],
  endIf: [0x0b],
  /** Counts up to `rounds` in the first parameter, from what it is. */
  busy: (rounds: number): number[] =>
    [0x03, 0x40, [...op.parameter(0), ...op.i32(1), ...op.add, 0x22, 0, ...op.i32(rounds), 0x47, 0x0d, 0], 0x0b].flat(),
  loopForever: [0x03, 0x40, 0x0c, 0, 0x0b],
  /** The body leaves the stack as it was. */
  forEver: (body: readonly number[]): number[] => [0x03, 0x40, ...body, 0x0c, 0, 0x0b],
  getHeap: [0x23, 0],
  setHeap: [0x24, 0],
} as const

export interface GuestModule {
  /** Bodies of the exported functions. */
  readonly process?: readonly number[]
  readonly initialize?: readonly number[]
  readonly alloc?: readonly number[]
  readonly shutdown?: readonly number[]
  /** Body of the start function; none: it has no such function. */
  readonly start?: readonly number[] | undefined
  /** Functions that are imported; the first has the index 0 in `op.call`. */
  readonly imports?: readonly (FunctionType & { readonly module: string; readonly name: string })[]
  /** What openracing_abi returns. */
  readonly abi?: number
  readonly memoryPages?: number
  /** Bytes at address 64. */
  readonly data?: string
  /** Exports that are left out. */
  readonly without?: readonly string[]
}

/** Where `data` is. */
export const dataAt = 64

/** A whole plugin of openracing-sdk-1 that does nothing, but for what `guest` says. */
export function guestModule(guest: GuestModule = {}): Uint8Array<ArrayBuffer> {
  const imports = guest.imports ?? []
  const bump = [...op.getHeap, ...op.getHeap, ...op.parameter(0), ...op.add, ...op.setHeap]
  const functions: readonly (readonly [string, FunctionType, readonly number[]])[] = [
    ['openracing_abi', takes(0, 1), op.i32(guest.abi ?? 1)],
    ['alloc', takes(1, 1), guest.alloc ?? bump],
    ['dealloc', takes(2, 0), []],
    ['initialize', takes(2, 1), guest.initialize ?? op.i32(0)],
    ['process', takes(4, 1), guest.process ?? op.i32(0)],
    ['shutdown', takes(0, 1), guest.shutdown ?? op.i32(0)],
    ['start', takes(0, 0), guest.start ?? []],
  ]
  const start = imports.length + functions.length - 1
  const types = [...imports, ...functions.map(([, type]) => type)]
  const encoded = types.map(({ parameters, results }) => [
    0x60,
    ...list(parameters.map((type) => [valueType[type]])),
    ...list(results.map((type) => [valueType[type]])),
  ])
  const exported = functions
    .map(([name], index): [string, number[]] => [name, [...text(name), 0, ...leb(imports.length + index)]])
    .concat([['memory', [...text('memory'), 2, 0]]])
    .filter(([name]) => name !== 'start' && !guest.without?.includes(name))
  const bodies = functions.map(([, , body]) => [...leb(body.length + 2), 0, ...body, 0x0b])
  return new Uint8Array([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, list(encoded)),
    ...section(2, list(imports.map(({ module, name }, index) => [...text(module), ...text(name), 0, ...leb(index)]))),
    ...section(3, list(functions.map((_, index) => leb(imports.length + index)))),
    ...section(5, list([[0, ...leb(guest.memoryPages ?? 1)]])),
    ...section(6, list([[valueType.i32, 1, ...op.i32(1024), 0x0b]])),
    ...section(7, list(exported.map(([, bytes]) => bytes))),
    ...(guest.start === undefined ? [] : section(8, leb(start))),
    ...section(10, list(bodies)),
    ...section(11, list([[0, ...op.i32(dataAt), 0x0b, ...text(guest.data ?? '')]])),
  ])
}
