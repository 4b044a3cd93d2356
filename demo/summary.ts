import { between, distributionOf } from '../cli/distribution.ts'
import type { Plugin } from '../gen/proto/openracing/v1/plugin.ts'
import type { PluginStatistics } from '../gen/proto/openracing/v1/statistics.ts'
import { pluginClassWord, pluginStateWord, serviceStateWord, violationWord } from '../rpc/words.ts'
import type { Reading } from './reading.ts'

/** What happened between two readings: the JSON of the demo. Counts are of that time, states are the last. */
export interface Summary {
  /** By the loop's own clock, from the tick that the first reading saw to that of the last. */
  readonly seconds: number
  readonly ticks: number
  readonly missed_ticks: number
  readonly tick_lateness_us: { readonly p50: number; readonly p99: number; readonly p999: number; readonly max: number }
  readonly telemetry_frames: number
  readonly dropped_packets: number
  readonly torque: {
    readonly in_rms: number
    readonly out_rms: number
    readonly max_abs: number
    readonly non_finite: number
  }
  readonly leds: { readonly frames: number; readonly max_lit: number }
  readonly plugins: readonly PluginSummary[]
  readonly services: readonly { readonly name: string; readonly restarts: number; readonly state: string }[]
}

export interface PluginSummary {
  readonly id: string
  readonly name: string
  readonly class: string
  readonly state: string
  readonly executions: number
  readonly failures: number
  readonly budget_violations: number
  readonly missed_deadlines: number
  readonly cpu_us: { readonly p50: number; readonly p99: number; readonly max: number }
  /** Since the rig began. `newest`: what the plugin did, a sentence. */
  readonly violations: readonly { readonly kind: string; readonly count: number; readonly newest: string }[]
}

type Counter = 'executions' | 'failures' | 'budgetViolations' | 'missedDeadlines'

/** Counters that went back were started anew by a restart of their service: then all of `later` is new. */
function grown(earlier: bigint, later: bigint): number {
  return Number(later >= earlier ? later - earlier : later)
}

function summarisePlugin(plugin: Plugin, before: PluginStatistics | undefined): PluginSummary {
  const now = plugin.statistics
  const count = (name: Counter): number => grown(before?.[name] ?? 0n, now?.[name] ?? 0n)
  const { p50, p99, max } = distributionOf(between(before?.cpu, now?.cpu))
  return {
    id: plugin.id,
    name: plugin.name,
    class: pluginClassWord(plugin),
    state: pluginStateWord(plugin),
    executions: count('executions'),
    failures: count('failures'),
    budget_violations: count('budgetViolations'),
    missed_deadlines: count('missedDeadlines'),
    cpu_us: { p50, p99, max },
    violations: plugin.violations.map(({ kind, count, detail }) => ({
      kind: violationWord(kind),
      count: Number(count),
      newest: detail,
    })),
  }
}

const round = (value: number): number => Math.round(value * 1e4) / 1e4

function summariseTorque(first: Reading, last: Reading, ticks: number): Summary['torque'] {
  const [before, now] = [first.rig.torque, last.rig.torque]
  const rms = (earlier = 0, later = 0): number => (ticks > 0 ? Math.sqrt(Math.max(0, later - earlier) / ticks) : 0)
  return {
    in_rms: round(rms(before?.inSquareSum, now?.inSquareSum)),
    out_rms: round(rms(before?.outSquareSum, now?.outSquareSum)),
    max_abs: round(now?.maxAbsNm ?? 0),
    non_finite: grown(before?.nonFinite ?? 0n, now?.nonFinite ?? 0n),
  }
}

/** `maxLit`: most LEDs that were lit in one frame in that time. */
export function summarise(first: Reading, last: Reading, maxLit: number): Summary {
  const [loopBefore, loop] = [first.rig.loop, last.rig.loop]
  const ticks = grown(loopBefore?.ticks ?? 0n, loop?.ticks ?? 0n)
  const statisticsBefore = new Map(first.plugins.map((plugin) => [plugin.id, plugin.statistics]))
  return {
    seconds: round(Number((loop?.beatNs ?? 0n) - (loopBefore?.beatNs ?? 0n)) / 1e9),
    ticks,
    missed_ticks: grown(loopBefore?.missedTicks ?? 0n, loop?.missedTicks ?? 0n),
    tick_lateness_us: distributionOf(between(loopBefore?.lateness, loop?.lateness)),
    telemetry_frames: grown(first.rig.telemetry?.frames ?? 0n, last.rig.telemetry?.frames ?? 0n),
    dropped_packets: grown(first.rig.telemetry?.droppedPackets ?? 0n, last.rig.telemetry?.droppedPackets ?? 0n),
    torque: summariseTorque(first, last, ticks),
    leds: { frames: grown(first.rig.leds?.sequence ?? 0n, last.rig.leds?.sequence ?? 0n), max_lit: maxLit },
    plugins: last.plugins.map((plugin) => summarisePlugin(plugin, statisticsBefore.get(plugin.id))),
    services: last.services.map(({ name, restarts, state }) => ({ name, restarts, state: serviceStateWord(state) })),
  }
}
