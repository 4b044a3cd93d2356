import { type Plugin, PluginState } from '../../gen/proto/openracing/v1/plugin.ts'
import type { ServiceStatus } from './supervisor.ts'

/** What the host says when everything that was asked for runs or has failed, or when that takes too long. One line. */
export interface Readiness {
  readonly elapsedMs: number
  readonly addresses: readonly string[]
  readonly plugins: readonly Plugin[]
  readonly services: readonly ServiceStatus[]
  /** Why no loop ticks; undefined while one does. */
  readonly loopComplaint: string | undefined
}

const { PLUGIN_STATE_FAILED, PLUGIN_STATE_LOADED, PLUGIN_STATE_RUNNING, PLUGIN_STATE_WAITING } = PluginState

const counted = (count: number, what: string): readonly string[] => (count === 0 ? [] : [`${count} ${what}`])

export function readinessLine({ elapsedMs, addresses, plugins, services, loopComplaint }: Readiness): string {
  const named = (state: PluginState): readonly string[] =>
    plugins.filter((plugin) => plugin.state === state).map(({ name, directory }) => name || directory)
  const running = named(PLUGIN_STATE_RUNNING).length
  const loading = named(PLUGIN_STATE_LOADED)
  const missing = [
    ...services.filter(({ state }) => state.kind !== 'running').map(({ name }) => name),
    ...(loopComplaint === undefined ? [] : [`wheel-rt (${loopComplaint})`]),
  ]
  const counts = [
    `${running} ${running === 1 ? 'plugin' : 'plugins'} running`,
    ...counted(named(PLUGIN_STATE_FAILED).length, 'failed'),
    ...counted(named(PLUGIN_STATE_WAITING).length, 'waiting'),
    ...counted(loading.length, `still loading: ${loading.join(', ')}`),
  ]
  const parts = [
    `openracing: ready in ${Math.round(elapsedMs)} ms on ${addresses.join(' and ')}`,
    counts.join(', '),
    ...(missing.length === 0 ? [] : [`not running: ${missing.join(', ')}`]),
  ]
  return parts.join('; ')
}
