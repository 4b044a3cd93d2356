import { type Plugin, PluginState } from '../../gen/proto/openracing/v1/plugin.ts'
import type { ServiceStatus } from './supervisor.ts'

/** What the host says when everything that was asked for runs, or has failed. One line. */
export interface Readiness {
  readonly elapsedMs: number
  readonly addresses: readonly string[]
  readonly plugins: readonly Plugin[]
  readonly services: readonly ServiceStatus[]
}

const { PLUGIN_STATE_AVAILABLE, PLUGIN_STATE_FAILED, PLUGIN_STATE_RUNNING } = PluginState

const counted = (count: number, what: string): readonly string[] => (count === 0 ? [] : [`${count} ${what}`])

export function readinessLine({ elapsedMs, addresses, plugins, services }: Readiness): string {
  const withState = (state: PluginState): number => plugins.filter((plugin) => plugin.state === state).length
  const running = withState(PLUGIN_STATE_RUNNING)
  const failed = withState(PLUGIN_STATE_FAILED)
  const waiting = plugins.length - running - failed - withState(PLUGIN_STATE_AVAILABLE)
  const missing = services.filter(({ state }) => state.kind !== 'running').map(({ name }) => name)
  const counts = [
    `${running} ${running === 1 ? 'plugin' : 'plugins'} running`,
    ...counted(failed, 'failed'),
    ...counted(waiting, 'waiting'),
  ]
  const parts = [
    `openracing: ready in ${Math.round(elapsedMs)} ms on ${addresses.join(' and ')}`,
    counts.join(', '),
    ...(missing.length === 0 ? [] : [`not running: ${missing.join(', ')}`]),
  ]
  return parts.join('; ')
}
