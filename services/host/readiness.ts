import { type Plugin, PluginGoal, PluginState } from '../../gen/proto/openracing/v1/plugin.ts'
import type { ServiceStatus } from './degraded.ts'
import type { LoopStanding } from './loop-watch.ts'

/** What the host says when everything that was asked for runs or has failed, or when that takes too long. One line. */
export interface Readiness {
  readonly elapsedMs: number
  readonly addresses: readonly string[]
  readonly plugins: readonly Plugin[]
  readonly services: readonly ServiceStatus[]
  readonly loop: LoopStanding
}

const {
  PLUGIN_STATE_FAILED,
  PLUGIN_STATE_RUNNING,
  PLUGIN_STATE_THROTTLED,
  PLUGIN_STATE_UNSUPPORTED,
  PLUGIN_STATE_WAITING,
} = PluginState

/** Of a plugin that is to be called: it will get there without anybody's doing. */
const onTheWay: readonly PluginState[] = [
  PluginState.PLUGIN_STATE_AVAILABLE,
  PluginState.PLUGIN_STATE_VERIFIED,
  PluginState.PLUGIN_STATE_LOADED,
  PluginState.PLUGIN_STATE_ENABLED,
]

const counted = (count: number, what: string): readonly string[] => (count === 0 ? [] : [`${count} ${what}`])

/** In its first start: nothing went wrong yet. */
const isStarting = ({ state, lastExit }: ServiceStatus): boolean => state.kind !== 'running' && lastExit === ''
const isUnderWay = ({ state, goal, detail }: Plugin): boolean => {
  const waitsForNobody = state === PluginState.PLUGIN_STATE_ENABLED || detail === ''
  return goal === PluginGoal.PLUGIN_GOAL_RUNNING && onTheWay.includes(state) && waitsForNobody
}
const isLoading = (plugin: Plugin): boolean => isUnderWay(plugin) && (plugin.statistics?.restarts ?? 0) === 0
/** One that is started again was lost before, and may be again: nobody waits for it. */
const isWaiting = (plugin: Plugin): boolean =>
  plugin.state === PLUGIN_STATE_WAITING || (isUnderWay(plugin) && !isLoading(plugin))

const listed = (title: string, names: readonly string[]): readonly string[] =>
  names.length === 0 ? [] : [`${title}: ${names.join(', ')}`]

/** Only a rig of which everything runs or has failed is called ready. */
export function readinessLine({ elapsedMs, addresses, plugins, services, loop }: Readiness): string {
  const numberIn = (wanted: PluginState): number => plugins.filter(({ state }) => state === wanted).length
  const running = numberIn(PLUGIN_STATE_RUNNING) + numberIn(PLUGIN_STATE_THROTTLED)
  const loading = plugins.filter(isLoading).map(({ name, directory }) => name || directory)
  const starting = services.filter(isStarting).map(({ name }) => name)
  const lost = services.filter((service) => service.state.kind !== 'running' && !isStarting(service))
  // The dsp-helper starts the loop.
  const loopStarts = loop.kind === 'starting' || (loop.kind === 'missing' && starting.includes('dsp-helper'))
  const missing = [
    ...lost.map(({ name, lastExit }) => `${name} (${lastExit})`),
    ...(loop.kind === 'missing' && !loopStarts ? [`wheel-rt (${loop.complaint})`] : []),
  ]
  const awaited = [...starting, ...(loopStarts ? ['wheel-rt'] : [])]
  const counts = [
    `${running} ${running === 1 ? 'plugin' : 'plugins'} running`,
    ...counted(numberIn(PLUGIN_STATE_FAILED), 'failed'),
    ...counted(numberIn(PLUGIN_STATE_UNSUPPORTED), 'unsupported'),
    ...counted(plugins.filter(isWaiting).length, 'waiting'),
    ...counted(loading.length, `still loading: ${loading.join(', ')}`),
  ]
  const word = awaited.length + loading.length === 0 ? 'ready' : 'up'
  const parts = [
    `openracing: ${word} in ${Math.round(elapsedMs)} ms on ${addresses.join(' and ')}`,
    counts.join(', '),
    ...listed('still starting', awaited),
    ...listed('not running', missing),
  ]
  return parts.join('; ')
}
