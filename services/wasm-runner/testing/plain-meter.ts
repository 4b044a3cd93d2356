import { createFlowReader } from '../flow-reader.ts'
import { FuelCode, fuelCode } from '../fuel-code.ts'
import { eventKind, type FunctionFlow } from '../function-flow.ts'
import type { FunctionMeter } from '../function-meter.ts'
import { code, gcCode, skipBlockType, skipImmediates } from '../instructions.ts'
import { type ModuleFacts, memoryGrowUnits } from '../lengths.ts'
import { WasmBytes } from '../wasm-bytes.ts'

/**
 * Meters by the plainest way there is: one unit before each single instruction, in the global, without a look at where
 * control goes. Slow, and what the meter has to agree with.
 */
export function createPlainMeter(facts: ModuleFacts): FunctionMeter {
  const reader = createFlowReader(facts)
  const out = new FuelCode()
  let instructions = 0

  function look(at: number): void {
    out.insert(at, fuelCode.load)
    out.insert(at, fuelCode.look)
  }
  function pay(at: number, amount: number): void {
    out.insert(at, fuelCode.pay, amount)
    look(at)
  }
  /** One before the instruction at `bytes`, but within a loop what it takes to begin anew. */
  function payFor(bytes: WasmBytes, at: number, opcode: number): void {
    if (opcode !== code.loop) pay(at, 1)
    if (opcode === code.memoryGrow) pay(at, memoryGrowUnits)
    if (opcode === code.gc && bytes.number() === gcCode.arrayNewFixed) {
      bytes.skipNumber()
      pay(at, bytes.number())
    }
    bytes.at = at + 1
    if (opcode === code.loop) {
      skipBlockType(bytes)
      pay(bytes.at, 1)
    } else skipImmediates(bytes, opcode)
  }

  function lengthsOf(flow: FunctionFlow): Map<number, number> {
    const lengths = new Map<number, number>()
    for (let event = 0; event < flow.eventCount; event++) {
      const what = flow.eventKinds[event] as number
      if (what & eventKind.length) lengths.set(flow.eventAt[event] as number, what & ~eventKind.length)
    }
    return lengths
  }

  return {
    read(bytes, end) {
      const again = new WasmBytes(bytes.bytes)
      again.at = bytes.at
      const flow = reader.read(again, end)
      const lengths = lengthsOf(flow)
      instructions += flow.instructions
      out.clear()
      while (bytes.at < end) {
        const at = bytes.at
        const opcode = bytes.byte()
        const isPunctuation =
          opcode === code.end ||
          opcode === code.else ||
          opcode === code.catchAll ||
          opcode === code.catch ||
          opcode === code.delegate
        if (isPunctuation) skipImmediates(bytes, opcode)
        else payFor(bytes, at, opcode)
        const length = lengths.get(at)
        if (length === undefined) continue
        out.insert(at, fuelCode.load)
        out.insert(at, fuelCode.length + length)
        out.insert(at, fuelCode.store)
      }
      return out
    },
    instructions: () => instructions,
    catches: () => false,
  }
}
