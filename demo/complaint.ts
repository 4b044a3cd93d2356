import { type Plugin, PluginState } from '../gen/proto/openracing/v1/plugin.ts'
import { pluginStateWord } from '../rpc/words.ts'
import type { Reading } from './reading.ts'

const hasRun = (plugin: Plugin): boolean => (plugin.statistics?.executions ?? 0n) > 0n
const hasFailed = (plugin: Plugin): boolean => plugin.state === PluginState.PLUGIN_STATE_FAILED

/** Whether the first frames have gone all the way through, or never will. */
export const isSettled = ({ rig, plugins }: Reading): boolean =>
  plugins.some((plugin) => hasFailed(plugin) && !hasRun(plugin)) ||
  ((rig.torque?.outSquareSum ?? 0) > 0 && plugins.every(hasRun))

/**
 * Why a rig is none whose cost could be told, a sentence; undefined when its loop ticked and each of its plugins ran.
 * `since`: where the ticks are counted from. `loopSaid`: the last line that the loop wrote, or nothing.
 */
export function complaintOf(reading: Reading, loopSaid: string, since?: Reading): string | undefined {
  const ticks = (at: Reading | undefined): bigint => at?.rig.loop?.ticks ?? 0n
  if (ticks(reading) === ticks(since)) {
    return `the loop did no tick, so there is nothing to measure; ${loopSaid || 'it did not say why'}`
  }
  const idle = reading.plugins.find((plugin) => !hasRun(plugin))
  if (idle === undefined || since !== undefined) return undefined
  return `${idle.name || idle.directory} never ran; it is ${pluginStateWord(idle)}${idle.detail && `: ${idle.detail}`}`
}
