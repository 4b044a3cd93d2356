import { eventKind, lengthKind } from './function-flow.ts'
import { code, gcCode, miscCode } from './instructions.ts'
import type { WasmBytes } from './wasm-bytes.ts'

/**
 * What growing a memory costs, by nothing too, beside the instruction and the pages: V8 leaves its code for it, which took
 * 200 ns on the development machine, where the yardstick does 7000 units a µs.
 */
export const memoryGrowUnits = 1400

/** What a module tells about its functions. */
export interface ModuleFacts {
  /** Something in it catches exceptions: an instruction after a call may not be executed although the run goes on. */
  readonly catches: boolean
  /** Address types, by number: true where it is 64 bits wide. */
  readonly memories64: readonly boolean[]
  readonly tables64: readonly boolean[]
}

const isWide = (widths: readonly boolean[], index: number): number => (widths[index] === true ? lengthKind.wide : 0)

function bulkLength(bytes: WasmBytes, { memories64, tables64 }: ModuleFacts): number {
  switch (bytes.number()) {
    case miscCode.memoryInit:
    case miscCode.tableInit:
      return eventKind.length
    // From one kind of memory to the other, the length is of the narrow one.
    case miscCode.memoryCopy:
      return eventKind.length | (isWide(memories64, bytes.number()) & isWide(memories64, bytes.number()))
    case miscCode.memoryFill:
      return eventKind.length | isWide(memories64, bytes.number())
    case miscCode.tableCopy:
      return eventKind.length | (isWide(tables64, bytes.number()) & isWide(tables64, bytes.number()))
    case miscCode.tableGrow:
      return eventKind.length | isWide(tables64, bytes.number()) | lengthKind.ofTable
    case miscCode.tableFill:
      return eventKind.length | isWide(tables64, bytes.number())
    default:
      return 0
  }
}

function arrayLength(bytes: WasmBytes): number {
  switch (bytes.number()) {
    case gcCode.arrayNew:
    case gcCode.arrayNewDefault:
    case gcCode.arrayNewData:
    case gcCode.arrayNewElem:
    case gcCode.arrayFill:
    case gcCode.arrayCopy:
    case gcCode.arrayInitData:
    case gcCode.arrayInitElem:
      return eventKind.length
    default:
      return 0
  }
}

/**
 * Whether the number on the stack says how much an instruction does, and of what kind that number is: an event, or 0. The
 * bytes are read from behind the opcode, as far as need be.
 */
export function lengthOf(bytes: WasmBytes, opcode: number, facts: ModuleFacts): number {
  switch (opcode) {
    case code.memoryGrow:
      return eventKind.length | isWide(facts.memories64, bytes.number()) | lengthKind.ofMemory
    case code.misc:
      return bulkLength(bytes, facts)
    case code.gc:
      return arrayLength(bytes)
    default:
      return 0
  }
}
