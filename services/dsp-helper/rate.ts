import { PluginState } from '../../gen/proto/openracing/v1/plugin.ts'
import { invalidField } from '../../rpc/failure.ts'

/** The loop's own rate, that of a plugin of which nothing else is said. */
const fullHz = 1000

/** In how many ticks the loop calls a plugin once; 0: never. */
const everyOf: ReadonlyMap<number, number> = new Map([
  [fullHz, 1],
  [500, 2],
  [250, 4],
  [0, 0],
])

/** Calls a second of a plugin, 1000, 500, 250 or 0, from the request for it. */
export const rateOf = ({ updateRateHz = fullHz }: { readonly updateRateHz?: number | undefined }): number =>
  updateRateHz

/** Throws REQUEST_INVALID for a rate that the loop does not have. */
export function checkRate(place: string, rateHz: number): void {
  if (everyOf.has(rateHz)) return
  throw invalidField(place, `is ${rateHz}; send 1000, 500 or 250, or 0 for never`)
}

/** As the loop is told: native/rig.h. */
export const ticksOf = (rateHz: number): number => everyOf.get(rateHz) ?? 1

/** What a plugin is doing that is ready for frames. */
export function stateAt(rateHz: number): PluginState {
  if (rateHz === 0) return PluginState.PLUGIN_STATE_LOADED
  return rateHz < fullHz ? PluginState.PLUGIN_STATE_THROTTLED : PluginState.PLUGIN_STATE_RUNNING
}

/** Why it is not called as often as it could be; empty when it is. */
export function rateDetail(rateHz: number): string {
  if (rateHz === 0) return 'it is not called, and frames pass through'
  return rateHz < fullHz ? `it is called at ${rateHz} Hz, and between two calls its last answer is held` : ''
}
