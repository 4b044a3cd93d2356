import { createFlowReader } from './flow-reader.ts'
import { FuelCode } from './fuel-code.ts'
import { FuelPlaces } from './fuel-places.ts'
import type { ModuleFacts } from './lengths.ts'
import { Payments } from './payments.ts'
import type { WasmBytes } from './wasm-bytes.ts'

/** Says what is to be inserted into the functions of one module, one after the other. */
export interface FunctionMeter {
  /** Reads a function's code, from behind its locals to its end. What it returns is valid until the next one is read. */
  read(bytes: WasmBytes, end: number): FuelCode
  /** Instructions of all functions so far. */
  instructions(): number
  /** Something in them catches exceptions. Where the facts said otherwise, what was inserted so far is wrong. */
  catches(): boolean
}

/**
 * A run that ends without a trap has paid for what it executed, neither more nor less, whatever way it took. What a run
 * that traps has paid is no measure: a function may keep the fuel in a local, and has not given it back.
 *
 * The fuel is looked at where a loop begins anew, before calls, and where a long function begins, in such a way that no
 * run is ended which has fuel for all that it executes. What is executed between two looks is no more than the code of
 * one function and the short ones that it calls; so much may be overdrawn.
 */
export function createFunctionMeter(facts: ModuleFacts): FunctionMeter {
  const reader = createFlowReader(facts)
  const payments = new Payments()
  const places = new FuelPlaces()
  const code = new FuelCode()
  let instructions = 0
  return {
    read(bytes, end) {
      const flow = reader.read(bytes, end)
      instructions += flow.instructions
      payments.decide(flow)
      places.write(flow, payments, code)
      return code
    },
    instructions: () => instructions,
    catches: reader.catches,
  }
}
