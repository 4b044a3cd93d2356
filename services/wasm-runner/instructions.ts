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
    `the module has the instruction ${name} at byte ${at} of its section, which this version cannot meter; ` +
      'build it for a WebAssembly without it',
  )

const hex = (value: number): string => `0x${value.toString(16).padStart(2, '0')}`

/** What follows an opcode: kinds of immediates, one letter each. */
type Immediates = string

/** n number, m memory argument, b byte, t value type list, w 4 bytes, d 8 bytes, v 16 bytes, c catches, l label table. */
function plain(): readonly (Immediates | undefined)[] {
  const table = new Array<Immediates | undefined>(256)
  const set = (from: number, to: number, immediates: Immediates): void => void table.fill(immediates, from, to + 1)
  set(0x00, 0x01, '') // unreachable, nop
  set(0x02, 0x04, 'n') // block, loop, if: a type
  set(0x05, 0x05, '')
  set(0x06, 0x09, 'n') // try, catch, throw, rethrow
  set(0x0a, 0x0b, '')
  set(0x0c, 0x0d, 'n')
  set(0x0e, 0x0e, 'l')
  set(0x0f, 0x0f, '')
  set(0x10, 0x10, 'n')
  set(0x11, 0x11, 'nn')
  set(0x12, 0x12, 'n')
  set(0x13, 0x13, 'nn')
  set(0x14, 0x15, 'n')
  set(0x18, 0x18, 'n') // delegate
  set(0x19, 0x1b, '') // catch_all, drop, select
  set(0x1c, 0x1c, 't')
  set(0x1f, 0x1f, 'c')
  set(0x20, 0x26, 'n') // locals, globals, tables
  set(0x28, 0x3e, 'm')
  set(0x3f, 0x42, 'n') // memory.size, memory.grow, i32.const, i64.const
  set(0x43, 0x43, 'w')
  set(0x44, 0x44, 'd')
  set(0x45, 0xc4, '')
  set(0xd0, 0xd0, 'n')
  set(0xd1, 0xd1, '')
  set(0xd2, 0xd2, 'n')
  set(0xd3, 0xd4, '')
  set(0xd5, 0xd6, 'n')
  return table
}

function gc(): readonly (Immediates | undefined)[] {
  const one = 'n'
  const two = 'nn'
  // struct.new … array.init_elem
  const first = [one, one, two, two, two, two, one, one, two, two, two, one, one, one, one, '', one, two, two, two]
  // ref.test, ref.cast, br_on_cast, conversions, i31
  return [...first, one, one, one, one, 'bnnn', 'bnnn', '', '', '', '', '']
}

const misc: readonly (Immediates | undefined)[] = [
  ...new Array<Immediates>(8).fill(''), // saturating conversions
  ...['nn', 'n', 'nn', 'n', 'nn', 'n', 'nn', 'n', 'n', 'n'], // memory and table, in bulk
]

function vector(): readonly (Immediates | undefined)[] {
  const table = new Array<Immediates | undefined>(0x114).fill('')
  table.fill('m', 0, 12)
  table.fill('v', 12, 14) // v128.const, i8x16.shuffle
  table.fill('b', 21, 35) // lanes
  table.fill('mb', 84, 92)
  table.fill('m', 92, 94)
  return table
}

function atomic(): readonly (Immediates | undefined)[] {
  const table = new Array<Immediates | undefined>(0x4f)
  table.fill('m', 0, 3) // notify, wait
  table[3] = 'b' // fence
  table.fill('m', 0x10, 0x4f)
  return table
}

const plainTable = plain()
const prefixed: ReadonlyMap<number, readonly (Immediates | undefined)[]> = new Map([
  [code.gc, gc()],
  [code.misc, misc],
  [code.vector, vector()],
  [code.atomic, atomic()],
])

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

function skipOne(bytes: WasmBytes, immediate: string | undefined): void {
  switch (immediate) {
    case 'n':
      bytes.skipNumber()
      break
    case 'm':
      skipMemoryArgument(bytes)
      break
    case 'b':
      bytes.skip(1)
      break
    case 'w':
      bytes.skip(4)
      break
    case 'd':
      bytes.skip(8)
      break
    case 'v':
      bytes.skip(16)
      break
    case 't':
      bytes.list(() => bytes.type())
      break
    default:
      throw new RangeError(`there is no immediate ${immediate}`)
  }
}

/** Passes over what follows an opcode that has no label. Throws PLUGIN_INVALID for one that is not known. */
export function skipImmediates(bytes: WasmBytes, opcode: number): void {
  const at = bytes.at - 1
  const table = prefixed.get(opcode)
  const second = table === undefined ? 0 : bytes.number()
  const immediates = table === undefined ? plainTable[opcode] : table[second]
  if (immediates === undefined) throw unknown(at, table === undefined ? hex(opcode) : `${hex(opcode)} ${second}`)
  for (const immediate of immediates) skipOne(bytes, immediate)
}
