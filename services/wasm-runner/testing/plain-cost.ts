import { type FunctionCost, functionCost, type Insertion, type ModuleFacts } from '../function-cost.ts'
import { code, gcCode, skipBlockType, skipImmediates } from '../instructions.ts'
import { WasmBytes } from '../wasm-bytes.ts'

/**
 * What a function costs, by the plainest way there is: one unit before each single instruction, in the global, without a
 * look at where control goes. Slow, and what the meter has to agree with.
 */
export function plainCost(bytes: WasmBytes, end: number, facts: ModuleFacts): FunctionCost {
  const again = new WasmBytes(bytes.bytes)
  again.at = bytes.at
  const cost = functionCost(again, end, facts)
  const insertions: Insertion[] = cost.insertions.filter(({ kind }) => kind === 'length')
  const charge = (at: number, count: number): void => void insertions.push({ kind: 'charge', at, count, checked: true })

  const skipLabels = (extra: number): void => {
    for (let count = bytes.number() + extra; count > 0; count--) bytes.skipNumber()
  }
  while (bytes.at < end) {
    const at = bytes.at
    const opcode = bytes.byte()
    switch (opcode) {
      case code.end:
      case code.else:
        break
      case code.loop:
        skipBlockType(bytes)
        charge(bytes.at, 1)
        break
      case code.block:
      case code.if:
        skipBlockType(bytes)
        charge(at, 1)
        break
      case code.branchTable:
        skipLabels(1)
        charge(at, 1)
        break
      default:
        charge(at, 1)
        if (opcode === code.gc && bytes.number() === gcCode.arrayNewFixed) {
          bytes.skipNumber()
          charge(at, bytes.number())
        }
        bytes.at = at + 1
        skipImmediates(bytes, opcode)
    }
  }
  return {
    insertions: insertions.toSorted((a, b) => a.at - b.at),
    instructions: cost.instructions,
    loops: false,
    catches: false,
  }
}
