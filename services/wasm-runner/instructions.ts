import { RigError } from '../../rpc/failure.ts'
import type { WasmBytes } from './wasm-bytes.ts'

/** Instructions that the meter has to know by name; the others only have to be passed over. */
export const code = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  try: 0x06,
  catch: 0x07,
  throw: 0x08,
  rethrow: 0x09,
  throwRef: 0x0a,
  end: 0x0b,
  branch: 0x0c,
  branchIf: 0x0d,
  branchTable: 0x0e,
  return: 0x0f,
  call: 0x10,
  callIndirect: 0x11,
  returnCall: 0x12,
  returnCallIndirect: 0x13,
  callRef: 0x14,
  returnCallRef: 0x15,
  delegate: 0x18,
  catchAll: 0x19,
  tryTable: 0x1f,
  memoryGrow: 0x40,
  branchOnNull: 0xd5,
  branchOnNonNull: 0xd6,
  gc: 0xfb,
  misc: 0xfc,
  vector: 0xfd,
  atomic: 0xfe,
} as const

/** Second bytes of those whose work depends on a length. */
export const gcCode = {
  arrayNew: 6,
  arrayNewDefault: 7,
  arrayNewFixed: 8,
  arrayNewData: 9,
  arrayNewElem: 10,
  arrayFill: 16,
  arrayCopy: 17,
  arrayInitData: 18,
  arrayInitElem: 19,
  branchOnCast: 24,
  branchOnCastFail: 25,
} as const
export const miscCode = {
  memoryInit: 8,
  memoryCopy: 10,
  memoryFill: 11,
  tableInit: 12,
  tableCopy: 14,
  tableGrow: 15,
  tableFill: 17,
} as const

const unknown = (at: number, name: string): RigError =>
  new RigError(
    'PLUGIN_INVALID',
    `the module has the instruction ${name} at its byte ${at}, which this version cannot meter; ` +
      'build it for a WebAssembly without it',
  )

const hex = (value: number): string => `0x${value.toString(16).padStart(2, '0')}`

/**
 * The types of a `select`, of which there is one. V8 13.6 keeps their number in a byte: of 257 it reads one, and takes for
 * code what would be 256 types here, and not metered.
 */
function skipSelected(bytes: WasmBytes): void {
  const at = bytes.at - 1
  const count = bytes.number()
  if (count !== 1) throw unknown(at, `select of ${count} types`)
  bytes.type()
}

/** What follows an opcode. Small numbers in byte arrays: this is read once for each instruction of a module. */
const follows = {
  unknown: 0,
  nothing: 1,
  number: 2,
  numbers: 3, // two
  memory: 4, // a memory argument
  lane: 5, // one, and a byte
  byte: 6,
  bytes4: 7,
  bytes8: 8,
  bytes16: 9,
  blockType: 10,
  tryTable: 11,
  labels: 12,
  types: 13,
  cast: 14, // a byte, a label and two types
  prefixed: 15,
} as const

type Follows = (typeof follows)[keyof typeof follows]
type Range = readonly [from: number, to: number, what: Follows]

function tableOf(size: number, ranges: readonly Range[]): Uint8Array {
  const table = new Uint8Array(size)
  for (const [from, to, what] of ranges) table.fill(what, from, to + 1)
  return table
}

const plain = tableOf(256, [
  [0x00, 0x01, follows.nothing], // unreachable, nop
  [0x02, 0x04, follows.blockType],
  [0x05, 0x05, follows.nothing],
  [0x06, 0x06, follows.blockType],
  [0x07, 0x09, follows.number], // catch, throw, rethrow
  [0x0a, 0x0b, follows.nothing],
  [0x0c, 0x0d, follows.number],
  [0x0e, 0x0e, follows.labels],
  [0x0f, 0x0f, follows.nothing],
  [0x10, 0x10, follows.number],
  [0x11, 0x11, follows.numbers],
  [0x12, 0x12, follows.number],
  [0x13, 0x13, follows.numbers],
  [0x14, 0x15, follows.number],
  [0x18, 0x18, follows.number], // delegate
  [0x19, 0x1b, follows.nothing], // catch_all, drop, select
  [0x1c, 0x1c, follows.types],
  [0x1f, 0x1f, follows.tryTable],
  [0x20, 0x26, follows.number], // locals, globals, tables
  [0x28, 0x3e, follows.memory],
  [0x3f, 0x42, follows.number], // memory.size, memory.grow, i32.const, i64.const
  [0x43, 0x43, follows.bytes4],
  [0x44, 0x44, follows.bytes8],
  [0x45, 0xc4, follows.nothing],
  [0xd0, 0xd0, follows.number],
  [0xd1, 0xd1, follows.nothing],
  [0xd2, 0xd2, follows.number],
  [0xd3, 0xd4, follows.nothing],
  [0xd5, 0xd6, follows.number],
  [0xfb, 0xfe, follows.prefixed],
])

/** Those that mean nothing to the meter but that they are executed: most of any code. The others are 0. */
const simple = plain.map((what, opcode) => {
  const isKnown = opcode === 0x01 || (opcode >= 0x1a && opcode !== code.tryTable && opcode !== code.memoryGrow)
  const isShort = what === follows.nothing || what === follows.number || what === follows.memory
  const isBranch = opcode === code.branchOnNull || opcode === code.branchOnNonNull
  return isKnown && isShort && !isBranch ? what : follows.unknown
})

const gc = tableOf(31, [
  [0, 1, follows.number], // struct.new
  [2, 5, follows.numbers], // struct.get, struct.set
  [6, 7, follows.number], // array.new
  [8, 10, follows.numbers],
  [11, 14, follows.number], // array.get, array.set
  [15, 15, follows.nothing],
  [16, 16, follows.number],
  [17, 19, follows.numbers],
  [20, 23, follows.number], // ref.test, ref.cast
  [24, 25, follows.cast],
  [26, 30, follows.nothing], // conversions, i31
])

const misc = tableOf(18, [
  [0, 7, follows.nothing], // saturating conversions
  [8, 8, follows.numbers],
  [9, 9, follows.number],
  [10, 10, follows.numbers],
  [11, 11, follows.number],
  [12, 12, follows.numbers],
  [13, 13, follows.number],
  [14, 14, follows.numbers],
  [15, 17, follows.number],
])

const vector = tableOf(0x114, [
  [0, 0x113, follows.nothing],
  [0, 11, follows.memory],
  [12, 13, follows.bytes16], // v128.const, i8x16.shuffle
  [21, 34, follows.byte], // lanes
  [84, 91, follows.lane],
  [92, 93, follows.memory],
])

const atomic = tableOf(0x4f, [
  [0, 2, follows.memory], // notify, wait
  [3, 3, follows.byte], // fence
  [0x10, 0x4e, follows.memory],
])

const prefixed: Readonly<Record<number, Uint8Array>> = {
  [code.gc]: gc,
  [code.misc]: misc,
  [code.vector]: vector,
  [code.atomic]: atomic,
}

/** A memory argument names its memory where bit 6 of the alignment is set. */
function skipMemoryArgument(bytes: WasmBytes): void {
  const alignment = bytes.number()
  if (alignment & 0x40) bytes.skipNumber()
  bytes.skipNumber()
}

/** A block's type is empty, a value type, or the number of a function type. */
export function skipBlockType(bytes: WasmBytes): void {
  const first = bytes.byte()
  if (first === 0x63 || first === 0x64 || first >= 0x80) bytes.skipNumber()
}

function skipLabels(bytes: WasmBytes): void {
  for (let count = bytes.number() + 1; count > 0; count--) bytes.skipNumber()
}

/** Which exceptions a `try_table` catches, and where they go. */
export function skipCatches(bytes: WasmBytes, label: (depth: number) => void): void {
  for (let count = bytes.number(); count > 0; count--) {
    if (bytes.byte() < 2) bytes.skipNumber() // with a tag
    label(bytes.number())
  }
}

/**
 * Passes over simple instructions as long as they follow each other, and returns how many there were. The same as
 * skipImmediates() for each of them, and several times as fast.
 */
export function skipSimple(bytes: WasmBytes, end: number): number {
  const data = bytes.bytes
  const stop = Math.min(end, data.length)
  let at = bytes.at
  let count = 0
  while (at < stop) {
    const what = simple[data[at] as number] as number
    if (what === follows.unknown) break
    at += 1
    if (what === follows.memory) {
      // One that names its memory has one number more.
      if (((data[at] as number) & 0x40) !== 0) while ((data[at++] as number) >= 0x80);
      while ((data[at++] as number) >= 0x80);
    }
    if (what !== follows.nothing) while ((data[at++] as number) >= 0x80);
    count += 1
  }
  bytes.at = at
  return count
}

const nobody = (): void => undefined

/** Passes over what follows an opcode. Throws PLUGIN_INVALID for one that is not known. */
export function skipImmediates(bytes: WasmBytes, opcode: number): void {
  skip(bytes, opcode, plain[opcode] as Follows)
}

function skipPrefixed(bytes: WasmBytes, opcode: number): void {
  const at = bytes.at - 1
  const second = bytes.number()
  const what = ((prefixed[opcode] as Uint8Array)[second] ?? follows.unknown) as Follows
  if (what === follows.unknown) throw unknown(at, `${hex(opcode)} ${second}`)
  skip(bytes, opcode, what)
}

function skip(bytes: WasmBytes, opcode: number, what: Follows): void {
  switch (what) {
    case follows.nothing:
      return
    case follows.number:
      bytes.skipNumber()
      return
    case follows.numbers:
      bytes.skipNumber()
      bytes.skipNumber()
      return
    case follows.memory:
      skipMemoryArgument(bytes)
      return
    case follows.lane:
      skipMemoryArgument(bytes)
      bytes.skip(1)
      return
    case follows.byte:
      bytes.skip(1)
      return
    case follows.bytes4:
      bytes.skip(4)
      return
    case follows.bytes8:
      bytes.skip(8)
      return
    case follows.bytes16:
      bytes.skip(16)
      return
    case follows.blockType:
      skipBlockType(bytes)
      return
    case follows.tryTable:
      skipBlockType(bytes)
      skipCatches(bytes, nobody)
      return
    case follows.labels:
      skipLabels(bytes)
      return
    case follows.types:
      skipSelected(bytes)
      return
    case follows.cast:
      bytes.skip(1)
      bytes.skipNumber()
      bytes.skipNumber()
      bytes.skipNumber()
      return
    case follows.prefixed:
      skipPrefixed(bytes, opcode)
      return
    case follows.unknown:
      throw unknown(bytes.at - 1, hex(opcode))
  }
}
