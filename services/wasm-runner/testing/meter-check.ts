import assert from 'node:assert/strict'
import { RigError } from '../../../rpc/failure.ts'
import { createFunctionMeter } from '../function-meter.ts'
import { type MeterLimits, meterModule, meterValidModule } from '../meter.ts'
import { type Call, callAll, importsOf, overflowed, told } from './module-run.ts'
import { createPlainMeter } from './plain-meter.ts'

/** What came of some bytes: no module; a module, which could not be started here; a module, which ran. */
export type Verdict = 'refused' | 'metered' | 'ran'

/** Never more memory than this, that a thousand modules can be started. */
export const limits: MeterLimits = { maxMemoryPages: 64, maxTableElements: 10_000 }
/** Of one call: plain metering takes 20 ns for a unit. */
const fuelOfCall = 20_000n
/** What the metered module may have of bytes. The most that can become of one byte is 24, in a row of memory.grow. */
const growthMax = 24
const growthOfAll = 256

interface Course {
  readonly calls: readonly Call<Cost>[]
  readonly effects: readonly unknown[]
}

interface Cost {
  readonly used: bigint
  /** Effects so far. */
  readonly effects: number
}

/** Starts a metered module and calls what it exports until something runs out; undefined where it cannot be started. */
function course(wasm: Uint8Array, createMeter: typeof createFunctionMeter): Course | undefined {
  const { bytes, fuelExport } = meterValidModule(wasm, limits, createMeter, Number(fuelOfCall))
  const effects: unknown[] = []
  try {
    const module = new WebAssembly.Module(bytes)
    const { exports } = new WebAssembly.Instance(module, importsOf(module, effects))
    const fuel = exports[fuelExport] as WebAssembly.Global
    const calls = callAll(exports, (call) => {
      fuel.value = fuelOfCall
      const outcome = call()
      return { outcome, kept: { used: fuelOfCall - fuel.value, effects: effects.length }, goOn: fuel.value >= 0n }
    })
    return { calls, effects }
  } catch {
    return undefined
  }
}

const threw = ({ outcome }: Call<Cost>): boolean => typeof outcome === 'string'
const ranOut = ({ kept }: Call<Cost>): boolean => kept.used > fuelOfCall

/**
 * Plain counting ends a run at the very instruction that there is no fuel for. A metered one may go a little further, or,
 * where it would have trapped before that instruction, end a little sooner.
 */
function compare(metered: Course, plain: Course): void {
  let compared = 0
  for (const [index, its] of plain.calls.entries()) {
    const call = metered.calls[index] as Call<Cost>
    if (ranOut(its)) {
      assert.ok(threw(call) || ranOut(call), `${its.name} returned, with more fuel than there was`)
      return
    }
    if (threw(its) && ranOut(call)) return
    assert.deepEqual([call.name, call.outcome], [its.name, its.outcome])
    if (!threw(its)) assert.equal(call.kept.used, its.kept.used, its.name)
    const since = ({ effects }: Course): string => told(effects.slice(compared, its.kept.effects))
    assert.equal(since(metered), since(plain), its.name)
    compared = its.kept.effects
  }
}

/**
 * Meters bytes that may be anything. Throws an AssertionError unless they are refused as PLUGIN_INVALID, or become a module
 * that V8 takes, that is not much larger, and that does, as far as it can be run here, what plain counting says.
 */
export function checkMeter(wasm: Uint8Array): Verdict {
  let metered: Uint8Array
  try {
    metered = meterModule(wasm, limits).bytes
  } catch (cause) {
    assert.ok(cause instanceof RigError && cause.code === 'PLUGIN_INVALID', String((cause as Error).stack))
    return 'refused'
  }
  assert.ok(WebAssembly.validate(metered), 'V8 does not take what the meter wrote')
  assert.ok(metered.length <= growthMax * wasm.length + growthOfAll, `${wasm.length} bytes became ${metered.length}`)
  const plain = course(wasm, createPlainMeter)
  const its = course(wasm, createFunctionMeter)
  if (plain === undefined || its === undefined) return 'metered'
  if (!overflowed(plain.calls) && !overflowed(its.calls)) compare(its, plain)
  return 'ran'
}
