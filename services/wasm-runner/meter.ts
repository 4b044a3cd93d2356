import { RigError } from '../../rpc/failure.ts'
import { createFunctionMeter } from './function-meter.ts'
import { writeMeteredSections } from './metered-sections.ts'
import { refuse, survey } from './module-survey.ts'
import { freeExportName } from './wasm-bytes.ts'

/** Several memories, or tables, share what is left when each has its minimum: see allowance.ts. */
export interface MeterLimits {
  /** Pages of all memories together. */
  readonly maxMemoryPages: number
  /** Elements of all tables together. */
  readonly maxTableElements: number
}

export interface MeteredModule {
  readonly bytes: Uint8Array<ArrayBuffer>
  /**
   * Name of the exported mutable i64 global with the fuel that is left. Less than nothing is left of a run that ran out;
   * and of one that returned with a little more than there was, because nothing looked behind its last loop and call.
   */
  readonly fuelExport: string
  /** Instructions of all functions. */
  readonly instructions: number
}

/** What there is before anybody has set the fuel: for the start function. 10 to 50 ms on the machines of today. */
export const startFuel = 10_000_000

/** What V8 does not take, in V8's words. */
export function notWebAssembly(cause: unknown): RigError {
  const reason = (cause as Error).message.replace(/^WebAssembly\.\w+\(\): /, '')
  const what = `the module is not WebAssembly that can run here (${reason}); build it again`
  return new RigError('PLUGIN_INVALID', what, { cause })
}

/** Refuses what V8 does not take. */
function check(wasm: Uint8Array): void {
  if (WebAssembly.validate(wasm)) return
  try {
    new WebAssembly.Module(wasm)
  } catch (cause) {
    throw notWebAssembly(cause)
  }
  throw refuse('the module is not WebAssembly that can run here', 'build it again')
}

/**
 * Makes a module run on fuel: each instruction that it executes takes one unit of what an exported global holds, and the
 * run ends, as by `unreachable`, when there is none left. Bulk operations take as many units more as they touch bytes or
 * elements, growing one as many as there are pages or elements, and growing a memory 1400 more. See function-meter.ts for what exactly is paid when.
 *
 * Memories and tables end at the limits. In every other way the module behaves as before: functions, tables, memories
 * and globals keep their numbers, and custom sections are copied.
 *
 * Throws PLUGIN_INVALID: for what V8 does not take, in V8's words; for instructions and types that it does not know;
 * for a module that asks for more memory or larger tables than the limits allow.
 */
export const meterModule = (wasm: Uint8Array, limits: MeterLimits): MeteredModule => {
  check(wasm)
  return meterValidModule(wasm, limits)
}

/** The same for what V8 has validated; `createMeter` and `fuelAtStart` are for tests, which compare. */
export function meterValidModule(
  wasm: Uint8Array,
  limits: MeterLimits,
  createMeter = createFunctionMeter,
  fuelAtStart = startFuel,
): MeteredModule {
  const found = survey(wasm)
  const fuelExport = freeExportName('openracing_fuel', found.exports)
  const { bytes, instructions } = writeMeteredSections(
    wasm,
    found,
    { ...limits, startFuel: fuelAtStart, fuelExport },
    createMeter,
  )
  return { bytes, fuelExport, instructions }
}
