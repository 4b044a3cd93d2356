import type { Conduct } from './conduct.ts'
import { type ConductPolicy, slowedHz } from './conduct-policy.ts'
import type { Runnable } from './plugin-plan.ts'

/** What the loop can call a Fast plugin at, Hz: each tick, each second, each fourth. */
const fastRatesHz = [250, 500, 1000] as const

/**
 * Calls a second that a plugin is to have now: its own rate, or less of one that was over its budget; 0 of one that is only
 * to be loaded, and of one that runs when somebody asks.
 */
export function rateHzOf(
  { manifest, goal }: Runnable,
  conduct: Pick<Conduct, 'standingOf'>,
  policy: ConductPolicy,
): number {
  if (goal !== 'running') return 0
  const standing = conduct.standingOf(manifest.id)
  const halvings = standing.kind === 'free' ? standing.halvings : 0
  const rateHz = slowedHz(manifest.pluginClass, manifest.constraints.updateRateHz, halvings, policy)
  if (manifest.pluginClass === 'Safe') return Math.round(rateHz)
  return fastRatesHz.find((each) => each >= rateHz) ?? 1000
}
