import type { FunctionMeter } from './function-meter.ts'
import type { ModuleFacts } from './lengths.ts'
import { createFunctionWriter, type Fuel } from './metered-function.ts'
import { is64, type Limits, refuse, type Survey } from './module-survey.ts'
import { createSizes } from './small-functions.ts'
import { WasmBytes, WasmWriter } from './wasm-bytes.ts'

/** What V8 takes: bytes of a function. Those of a metered one are up to three times as many as before. */
const functionBytesMax = 7_654_321

export type CreateMeter = (facts: ModuleFacts) => FunctionMeter

export interface MeteredCode {
  /** The functions one after the other, without their number before them. */
  readonly functions: WasmWriter
  /** Small functions that are to be added. */
  readonly fillers: number
  readonly instructions: number
}

function write(wasm: Uint8Array, found: Survey, fuel: Fuel, meter: FunctionMeter): MeteredCode {
  const { types, functions, code } = found
  const bytes = new WasmBytes(wasm)
  // Code of compilers becomes half as long again: the room is for one that becomes less than twice as long.
  const all = new WasmWriter(2 * (code.to - code.from) + 64)
  const body = new WasmWriter(1024)
  const sizes = createSizes()
  const writeFunction = createFunctionWriter(fuel)
  bytes.at = code.from
  const count = functions.length > 0 ? bytes.number() : 0
  for (let index = 0; index < count; index++) {
    const length = bytes.number()
    const from = bytes.at
    body.clear()
    writeFunction(body, bytes, from + length, types[functions[index] as number] as number, meter.read)
    if (body.length > functionBytesMax) {
      throw refuse(
        `the function at byte ${from} of the module has ${body.length} bytes with its metering, ` +
          `and may have ${functionBytesMax}`,
        'build it in smaller parts',
      )
    }
    sizes.count(length, body.length)
    all.number(body.length)
    all.append(body)
  }
  return { functions: all, fillers: sizes.missing(), instructions: meter.instructions() }
}

/** Meters all functions of a module. */
export function meterCode(wasm: Uint8Array, found: Survey, fuel: Fuel, createMeter: CreateMeter): MeteredCode {
  const wide = (all: readonly Limits[]): readonly boolean[] => all.map(({ flags }) => (flags & is64) !== 0)
  const facts = { catches: false, memories64: wide(found.memories), tables64: wide(found.tables) }
  const meter = createMeter(facts)
  const metered = write(wasm, found, fuel, meter)
  // Few modules catch, and whether one does is known when all of its code was read: those are read twice.
  return meter.catches() ? write(wasm, found, fuel, createMeter({ ...facts, catches: true })) : metered
}
