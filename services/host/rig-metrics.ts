import { type Plugin, PluginClass } from '../../gen/proto/openracing/v1/plugin.ts'
import type { Loop, Rig } from '../../gen/proto/openracing/v1/rig.ts'
import type { Histogram } from '../../gen/proto/openracing/v1/statistics.ts'
import type { Family, Sample } from '../../rpc/metrics.ts'
import { pluginStateWord, violationWord } from '../../rpc/words.ts'
import type { PluginConduct } from './conduct-standing.ts'
import type { ServiceStatus } from './degraded.ts'
import { pluginStateWords } from './plugin-state.ts'

/** What the families are made of, as it is now. */
export interface RigNow {
  readonly rig: Pick<Rig, 'loop' | 'torque' | 'telemetry' | 'estop'>
  readonly plugins: readonly Plugin[]
  readonly conducts: readonly PluginConduct[]
  readonly services: readonly ServiceStatus[]
}

/** Plugins that have series of their own: a rig with more is told of by its sums. */
export const pluginsMax = 1024

/** Upper bounds, s. A tick is 1 ms, and a Fast plugin has 0.2 ms of it. */
const bounds = [
  ...[1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3],
  ...[0.01, 0.02, 0.05, 0.1, 1],
] as const

/**
 * A histogram of shared memory, 32 buckets to the octave, in the bounds of Prometheus. A bucket counts below the first
 * bound that is not below its own: what is told to be at most 1 ms is. The sum is that of the buckets' bounds, up to 3 %
 * above the true one.
 */
export function histogramSamples(histogram: Histogram | undefined, labels: Readonly<Record<string, string>>): Sample[] {
  const buckets = (histogram?.buckets ?? []).map(({ upperBoundNs, count }) => ({
    seconds: Number(upperBoundNs) / 1e9,
    count: Number(count),
  }))
  const upTo = (bound: number): number =>
    buckets.reduce((sum, { seconds, count }) => (seconds <= bound ? sum + count : sum), 0)
  const all = upTo(Number.POSITIVE_INFINITY)
  const series = bounds.map((bound) => ({ bound: `${bound}`, value: upTo(bound) }))
  return [
    ...[...series, { bound: '+Inf', value: all }].map(
      ({ bound, value }): Sample => ({
        ...{ series: 'bucket', labels: { ...labels, le: bound }, value },
      }),
    ),
    { series: 'sum', labels, value: buckets.reduce((sum, { seconds, count }) => sum + seconds * count, 0) },
    { series: 'count', labels, value: all },
  ]
}

type Kind = Family['type']
const family = (type: Kind, name: string, help: string, samples: readonly Sample[]): Family => ({
  ...{ name: `openracing_${name}`, help, type, samples },
})
const one = (type: Kind, name: string, help: string, value: number | bigint | boolean): Family =>
  family(type, name, help, [{ value: Number(value) }])

function loopFamilies({ loop, torque }: RigNow['rig']): readonly Family[] {
  const counter = (name: string, help: string, read: (loop: Loop) => bigint): Family =>
    one('counter', `loop_${name}_total`, help, loop === undefined ? 0 : read(loop))
  return [
    one('gauge', 'loop_running', 'Whether the 1 kHz loop ticks', loop?.running ?? false),
    one('gauge', 'loop_realtime', 'Whether the loop has SCHED_FIFO', loop?.realtime ?? false),
    one('gauge', 'loop_memory_locked', "Whether the loop's memory is locked", loop?.memoryLocked ?? false),
    one('gauge', 'loop_chain_plugins', 'Fast plugins in the chain', loop?.chainLength ?? 0),
    counter('ticks', 'Ticks of the loop', ({ ticks }) => ticks),
    counter('missed_ticks', 'Ticks whose time had passed before the loop came to them', (it) => it.missedTicks),
    counter('stale_inputs', 'Ticks whose newest frame was older than 100 ms', ({ staleInputs }) => staleInputs),
    counter(
      'refused_inputs',
      'Frames of the input that were not finite or of another version',
      (it) => it.refusedInputs,
    ),
    family('histogram', 'loop_lateness_seconds', 'How late ticks began', histogramSamples(loop?.lateness, {})),
    family('histogram', 'loop_duration_seconds', 'How long ticks took', histogramSamples(loop?.duration, {})),
    family('gauge', 'torque_newton_metres', 'Torque of the newest tick, right positive', [
      { labels: { at: 'input' }, value: torque?.inNm ?? 0 },
      { labels: { at: 'output' }, value: torque?.outNm ?? 0 },
    ]),
    family('counter', 'torque_limited_ticks_total', 'Ticks in which safety changed the torque, by why', [
      { labels: { why: 'clamp' }, value: Number(torque?.clamped ?? 0n) },
      { labels: { why: 'slew' }, value: Number(torque?.slewLimited ?? 0n) },
      { labels: { why: 'not finite' }, value: Number(torque?.nonFinite ?? 0n) },
    ]),
  ]
}

function telemetryFamilies({ telemetry, estop }: RigNow['rig']): readonly Family[] {
  const counter = (name: string, help: string, value: bigint | undefined): Family =>
    one('counter', `${name}_total`, help, value ?? 0n)
  return [
    one('gauge', 'estop_engaged', 'Whether the emergency stop is engaged', estop?.engaged ?? false),
    one('gauge', 'estop_in_force', 'Whether the loop holds torque at zero for it', estop?.inForce ?? false),
    counter('telemetry_frames', 'Frames of the game that were accepted', telemetry?.frames),
    counter('telemetry_dropped_packets', 'Packets that publishers could not decode', telemetry?.droppedPackets),
    counter('force_underruns', 'Times that the force of the game ran dry', telemetry?.forceUnderruns),
    counter('force_dropped_samples', 'Force samples that came faster than time passes', telemetry?.droppedForceSamples),
    counter('force_dropped_frames', 'Force frames that the loop did not take', telemetry?.droppedForceFrames),
  ]
}

/** `plugin`: its id where it has one, which no other has; else the name of its directory. */
const labelsOf = ({ id, directory }: Plugin): Readonly<Record<string, string>> => ({ plugin: id || directory })

const classOf = ({ pluginClass }: Plugin): string => (pluginClass === PluginClass.PLUGIN_CLASS_FAST ? 'Fast' : 'Safe')

function pluginFamilies(plugins: readonly Plugin[]): readonly Family[] {
  const each = (samplesOf: (plugin: Plugin, labels: Readonly<Record<string, string>>) => readonly Sample[]) =>
    plugins.flatMap((plugin) => samplesOf(plugin, labelsOf(plugin)))
  const value = (read: (plugin: Plugin) => number | bigint | undefined) =>
    each((plugin, labels) => {
      const found = read(plugin)
      return found === undefined ? [] : [{ labels, value: Number(found) }]
    })
  const counter = (name: string, help: string, read: (plugin: Plugin) => number | bigint | undefined): Family =>
    family('counter', `plugin_${name}_total`, help, value(read))
  const gauge = (name: string, help: string, read: (plugin: Plugin) => number | bigint | undefined): Family =>
    family('gauge', `plugin_${name}`, help, value(read))
  return [
    family(
      'gauge',
      'plugin_info',
      'What a plugin is; always 1',
      each((plugin, labels) => {
        const { name, version, directory } = plugin
        return [{ labels: { ...labels, name, version, directory, class: classOf(plugin) }, value: 1 }]
      }),
    ),
    family(
      'gauge',
      'plugin_state',
      'The state of a plugin has 1, the others 0',
      each(({ state }, labels) =>
        pluginStateWords.map((word) => ({
          labels: { ...labels, state: word },
          value: pluginStateWord({ state }) === word ? 1 : 0,
        })),
      ),
    ),
    counter(
      'executions',
      'Calls that returned, since its process or instance began',
      (it) => it.statistics?.executions,
    ),
    counter('failures', 'Calls that returned an error, or did not return', (it) => it.statistics?.failures),
    counter('missed_deadlines', 'Answers that were not there in time', (it) => it.statistics?.missedDeadlines),
    counter('restarts', 'Times it was started again', (it) => it.statistics?.restarts),
    family(
      'counter',
      'plugin_violations_total',
      'What it did that it must not do, by kind',
      each(({ violations }, labels) =>
        violations.map(({ kind, count }) => ({
          ...{ labels: { ...labels, kind: violationWord(kind) ?? 'unknown' }, value: Number(count) },
        })),
      ),
    ),
    family(
      'histogram',
      'plugin_cpu_seconds',
      'CPU time of its calls',
      each(({ statistics }, labels) => (statistics === undefined ? [] : histogramSamples(statistics.cpu, labels))),
    ),
    gauge('memory_bytes', 'Memory that a Fast plugin has allocated', (it) => it.statistics?.memory?.allocatedBytes),
    gauge('fuel_instructions', 'Instructions of a tick of a Safe plugin, mean', (it) => it.statistics?.fuel?.mean),
    gauge('update_rate_hertz', 'Calls a second that its manifest asks for', (it) => it.updateRateHz || undefined),
  ]
}

const conductFamilies = (conducts: readonly PluginConduct[]): readonly Family[] => [
  family(
    'gauge',
    'plugin_quarantine_level',
    'How often it was in quarantine lately, 0 to 5',
    conducts.map(({ id, standing }) => ({ labels: { plugin: id }, value: standing.level })),
  ),
  family(
    'counter',
    'plugin_counted_violations_total',
    'What was ever counted against it, over all restarts, by kind',
    conducts.flatMap(({ id, totals }) =>
      Object.entries(totals).map(([kind, value]) => ({ labels: { plugin: id, kind }, value })),
    ),
  ),
]

const serviceFamilies = (services: readonly ServiceStatus[]): readonly Family[] => [
  family(
    'gauge',
    'service_up',
    'Whether a service of the rig is SERVING',
    services.map(({ name, state }) => ({ labels: { name }, value: state.kind === 'running' ? 1 : 0 })),
  ),
  family(
    'counter',
    'service_restarts_total',
    'Times a service was started again',
    services.map(({ name, state }) => ({ labels: { name }, value: state.restarts })),
  ),
]

/** Everything that a rig tells Prometheus beside its processes. */
export const rigFamilies = ({ rig, plugins, conducts, services }: RigNow): readonly Family[] => [
  ...loopFamilies(rig),
  ...telemetryFamilies(rig),
  one('gauge', 'plugins', 'Plugins that are installed', plugins.length),
  ...pluginFamilies(plugins.slice(0, pluginsMax)),
  ...conductFamilies(conducts.slice(0, pluginsMax)),
  ...serviceFamilies(services),
]
