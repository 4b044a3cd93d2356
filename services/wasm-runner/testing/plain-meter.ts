import { FuelCode, fuelCode } from '../fuel-code.ts'
import { lengthKind } from '../function-flow.ts'
import type { FunctionMeter } from '../function-meter.ts'
import { code, skipBlockType, skipImmediates } from '../instructions.ts'
import type { ModuleFacts } from '../lengths.ts'
import type { WasmBytes } from '../wasm-bytes.ts'

/** Kind of an instruction's length; `bytes` are where the numbers are that follow the instruction. */
type Kind = (facts: ModuleFacts, bytes: WasmBytes) => number

const wideWhere = (wide: boolean | undefined): number => (wide === true ? lengthKind.wide : 0)
const narrow: Kind = () => 0
const ofMemory: Kind = ({ memories64 }, bytes) => wideWhere(memories64[bytes.number()])
const ofTable: Kind = ({ tables64 }, bytes) => wideWhere(tables64[bytes.number()])
const ofTwo = (wide: readonly boolean[], bytes: WasmBytes): number =>
  wideWhere(wide[bytes.number()] && wide[bytes.number()])

const memoryGrow = 64
/** What growing a memory costs beside its pages. */
const memoryGrowUnits = 1400

/**
 * What is charged by its length. A table of its own, from the specification and without lengths.ts: what is wrong there
 * would otherwise be wrong here, and not be seen.
 */
const plainly: Readonly<Record<number, Kind>> = {
  [memoryGrow]: (facts, bytes) => ofMemory(facts, bytes) | lengthKind.ofMemory,
}
const bulk: Readonly<Record<number, Kind>> = {
  8: narrow, // memory.init
  10: ({ memories64 }, bytes) => ofTwo(memories64, bytes), // memory.copy
  11: ofMemory, // memory.fill
  12: narrow, // table.init
  14: ({ tables64 }, bytes) => ofTwo(tables64, bytes), // table.copy
  15: (facts, bytes) => ofTable(facts, bytes) | lengthKind.ofTable, // table.grow
  17: ofTable, // table.fill
}
const arrays: Readonly<Record<number, Kind>> = {
  6: narrow, // array.new
  7: narrow, // array.new_default
  9: narrow, // array.new_data
  10: narrow, // array.new_elem
  16: narrow, // array.fill
  17: narrow, // array.copy
  18: narrow, // array.init_data
  19: narrow, // array.init_elem
}
/** The one whose length is no number on the stack. */
const arrayNewFixed = 8

/**
 * Meters by the plainest way there is: one unit before each single instruction, in the global, without a look at where
 * control goes. Slow, and what the meter has to agree with.
 */
export function createPlainMeter(facts: ModuleFacts): FunctionMeter {
  const out = new FuelCode()
  let instructions = 0

  function pay(at: number, amount: number): void {
    out.insert(at, fuelCode.pay, amount)
    out.insert(at, fuelCode.load)
    out.insert(at, fuelCode.look)
  }

  /** For what the instruction's length says, which is read from behind its opcode. */
  function payForLength(bytes: WasmBytes, at: number, opcode: number): void {
    if (opcode === memoryGrow) pay(at, memoryGrowUnits)
    const isPrefix = opcode === code.misc || opcode === code.gc
    const its = isPrefix ? bytes.number() : opcode
    const kindOf = (opcode === code.misc ? bulk : opcode === code.gc ? arrays : plainly)[its]
    if (opcode === code.gc && its === arrayNewFixed) {
      bytes.skipNumber()
      pay(at, bytes.number())
    }
    if (kindOf === undefined) return
    const kind = kindOf(facts, bytes)
    out.insert(at, fuelCode.load)
    out.insert(at, fuelCode.length + kind)
    out.insert(at, fuelCode.store)
  }

  /** One before the instruction, but within a loop what it takes to begin anew. */
  function payFor(bytes: WasmBytes, at: number, opcode: number): void {
    if (opcode === code.loop) {
      skipBlockType(bytes)
      pay(bytes.at, 1)
      return
    }
    pay(at, 1)
    payForLength(bytes, at, opcode)
    bytes.at = at + 1
    skipImmediates(bytes, opcode)
  }

  return {
    read(bytes, end) {
      out.clear()
      while (bytes.at < end) {
        const at = bytes.at
        const opcode = bytes.byte()
        switch (opcode) {
          case code.end:
          case code.else:
          case code.catch:
          case code.catchAll:
          case code.delegate:
            skipImmediates(bytes, opcode)
            break
          default:
            instructions += 1
            payFor(bytes, at, opcode)
        }
      }
      return out
    },
    instructions: () => instructions,
    catches: () => false,
  }
}
