import { histogramBuckets } from '../../gen/layout.ts'
import type { Histogram, PluginStatistics } from '../../gen/proto/openracing/v1/statistics.ts'
import { bucketOf, upperBoundNs } from '../../shm/histogram.ts'
import { type CallCounts, cpuNsOf, type Durations, noCalls } from './call-counts.ts'

/** What a service says that it has counted about a plugin. */
export interface PluginReading {
  /** Names the counters: those of another life began at zero. */
  readonly life: string
  /** Calls that returned. */
  readonly returned: number
  /** Calls that were begun and did not return. */
  readonly unreturned: number
  readonly failures: number
  readonly maxNs: number
  readonly durations: Durations
  /** When it was read, ms since 1970. */
  readonly atMs: number
}

/** No counter of a rig comes near this: it is nine thousand years of the loop's calls. */
const counterMax = 2n ** 48n

function durationsOf({ buckets }: Histogram): Durations | undefined {
  const durations = new Map<number, number>()
  let last = -1
  for (const { upperBoundNs: bound, count } of buckets) {
    const bucket = bucketOf(Number(bound))
    const known = bucket > last && bucket < histogramBuckets && upperBoundNs(bucket) === Number(bound)
    if (!known || count <= 0n || count > counterMax) return undefined
    durations.set(bucket, Number(count))
    last = bucket
  }
  return durations
}

/** What becomes of a service's word: `absent` says that it does not see the counters now, `refused` what cannot be. */
export type Read = PluginReading | 'absent' | 'refused'

/** Reads what a service says about a plugin; it may say anything. */
export function readingOf(life: string, statistics: PluginStatistics | undefined, atMs: number): Read {
  // Where the loop's memory cannot be looked into there is no histogram, and every count is 0: that is no beginning.
  if (statistics?.cpu === undefined) return 'absent'
  const { executions, failures, unreturned = 0n, cpu } = statistics
  if ([executions, failures, unreturned, cpu.maxNs].some((counter) => counter > counterMax)) return 'refused'
  const durations = durationsOf(cpu)
  if (durations === undefined) return 'refused'
  const counters = { returned: Number(executions), failures: Number(failures), unreturned: Number(unreturned) }
  return { life, ...counters, maxNs: Number(cpu.maxNs), durations, atMs }
}

const counters = ['returned', 'unreturned', 'failures', 'maxNs'] as const

const wentBack = (before: PluginReading, now: PluginReading): boolean =>
  counters.some((counter) => now[counter] < before[counter]) ||
  before.durations.entries().some(([bucket, count]) => (now.durations.get(bucket) ?? 0) < count)

function growthOf(before: Durations, now: Durations): Durations {
  const grown = new Map<number, number>()
  for (const [bucket, count] of now) {
    const growth = count - (before.get(bucket) ?? 0)
    if (growth > 0) grown.set(bucket, growth)
  }
  return grown
}

const nothing: Omit<PluginReading, 'life' | 'atMs'> = {
  ...{ returned: 0, unreturned: 0, failures: 0, maxNs: 0 },
  durations: new Map(),
}

/** What to count from: counters of another life, and those that went back, began anew. */
const startOf = (before: PluginReading | undefined, now: PluginReading): typeof nothing =>
  before !== undefined && before.life === now.life && !wentBack(before, now) ? before : nothing

/** The longest of these calls: exact where no call before them took as long. */
const longestNs = (grown: Durations, before: number, now: number): number =>
  now > before ? now : Math.min(now, Math.max(0, ...grown.keys().map(upperBoundNs)))

/** A hundred times as many calls as the loop makes, for every ms between two readings, and for an hour by which clocks err. */
const callsPerMsMax = 100
const clockErrorMs = 3_600_000

/**
 * What was counted between two readings; undefined where that is more than can be. Of counters that began anew everything
 * that is read now is new.
 */
export function countsBetween(before: PluginReading | undefined, now: PluginReading): CallCounts | undefined {
  const from = startOf(before, now)
  const executions = now.returned - from.returned + (now.unreturned - from.unreturned)
  const durations = growthOf(from.durations, now.durations)
  const timed = durations.values().reduce((sum, count) => sum + count, 0)
  const elapsedMs = Math.max(0, now.atMs - (before?.atMs ?? 0))
  if (Math.max(executions, timed) > (elapsedMs + clockErrorMs) * callsPerMsMax) return undefined
  if (executions + timed === 0) return noCalls
  return {
    executions,
    // Failures may be read before their calls: what is too many is counted the next time, by countedUpTo().
    failures: Math.min(now.failures - from.failures, executions),
    cpuNs: cpuNsOf(durations),
    maxNs: longestNs(durations, from.maxNs, now.maxNs),
    lastMs: now.atMs,
    durations,
  }
}

/**
 * What to count from the next time, where `counted` is what countsBetween() made of these two: failures that were read
 * before their calls are counted with those.
 */
export const countedUpTo = (
  before: PluginReading | undefined,
  now: PluginReading,
  counted: CallCounts,
): PluginReading => ({ ...now, failures: startOf(before, now).failures + counted.failures })
