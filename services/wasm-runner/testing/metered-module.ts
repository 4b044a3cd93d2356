import { createFunctionMeter } from '../function-meter.ts'
import { meterValidModule } from '../meter.ts'
import { outcomeOf } from './module-run.ts'

export const limits = { maxMemoryPages: 4, maxTableElements: 100 }
export const full = 1n << 40n
/** How a call ends that has no fuel left. */
export const ranOut = 'RuntimeError: unreachable'

export interface Run {
  /** What the export returned, or how it ended. */
  readonly outcome: unknown
  readonly used: bigint
}

/** A metered module that runs. */
export function startMetered(
  wasm: Uint8Array,
  its = limits,
  imports: Record<string, never> = {},
  by = createFunctionMeter,
) {
  const { bytes, fuelExport, instructions } = meterValidModule(wasm, its, by)
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), imports)
  const fuel = exports[fuelExport] as WebAssembly.Global
  return {
    exports,
    fuel,
    instructions,
    run(name: string, parameters: readonly unknown[] = [], with_ = full): Run {
      fuel.value = with_
      const outcome = outcomeOf(exports, name, parameters)
      return { outcome, used: with_ - fuel.value }
    },
  }
}
