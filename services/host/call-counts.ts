import { upperBoundNs } from '../../shm/histogram.ts'

/** How many calls took how long: counts by the buckets of shm/histogram.ts. */
export type Durations = ReadonlyMap<number, number>

/** What the calls of a plugin came to in some time. */
export interface CallCounts {
  /** Calls that were begun. */
  readonly executions: number
  readonly failures: number
  /** CPU time of all of them, from the middles of their buckets, ns. */
  readonly cpuNs: number
  readonly maxNs: number
  /** When the newest one was seen, ms since 1970; 0: there was none. */
  readonly lastMs: number
  readonly durations: Durations
}

export const noCalls: CallCounts = { executions: 0, failures: 0, cpuNs: 0, maxNs: 0, lastMs: 0, durations: new Map() }

/** Counts stay numbers that are exact, whatever they are made from. */
export const plus = (a: number, b: number): number => Math.min(a + b, Number.MAX_SAFE_INTEGER)

function together(a: Durations, b: Durations): Durations {
  if (a.size === 0) return b
  const sum = new Map(a)
  for (const [bucket, count] of b) sum.set(bucket, plus(sum.get(bucket) ?? 0, count))
  return sum
}

export const sumOf = (a: CallCounts, b: CallCounts): CallCounts => ({
  executions: plus(a.executions, b.executions),
  failures: plus(a.failures, b.failures),
  cpuNs: a.cpuNs + b.cpuNs,
  maxNs: Math.max(a.maxNs, b.maxNs),
  lastMs: Math.max(a.lastMs, b.lastMs),
  durations: together(a.durations, b.durations),
})

const middleNs = (bucket: number): number =>
  bucket === 0 ? 0 : (upperBoundNs(bucket - 1) + 1 + upperBoundNs(bucket)) / 2

/** CPU time of all calls, ns: at most 1.6 % off the truth. */
export const cpuNsOf = (durations: Durations): number =>
  durations.entries().reduce((sum, [bucket, count]) => sum + count * middleNs(bucket), 0)

/** Four buckets as one, which is known by the last of them: bounds are then at most 12.5 % above the truth. */
export function coarse(durations: Durations): Durations {
  const merged = new Map<number, number>()
  for (const [bucket, count] of durations) merged.set(bucket | 3, plus(merged.get(bucket | 3) ?? 0, count))
  return merged
}

/** What a person asks about calls. Durations in µs. */
export interface CallSummary {
  readonly executions: number
  readonly failures: number
  /** 0..1; 0 where there were no calls. */
  readonly successRate: number
  readonly meanUs: number
  readonly p50Us: number
  readonly p99Us: number
  readonly maxUs: number
  readonly lastMs: number
}

function quantileNs(durations: Durations, timed: number, share: number): number {
  const rank = Math.ceil(timed * share)
  let counted = 0
  for (const bucket of [...durations.keys()].sort((a, b) => a - b)) {
    counted += durations.get(bucket) ?? 0
    if (counted >= rank) return upperBoundNs(bucket)
  }
  return 0
}

export function summaryOf({ executions, failures, cpuNs, maxNs, lastMs, durations }: CallCounts): CallSummary {
  const timed = durations.values().reduce((sum, count) => sum + count, 0)
  const us = (share: number): number => Math.min(quantileNs(durations, timed, share), maxNs) / 1000
  return {
    ...{ executions, failures, lastMs, maxUs: maxNs / 1000 },
    successRate: executions === 0 ? 0 : Math.max(0, executions - failures) / executions,
    meanUs: timed === 0 ? 0 : Math.min(cpuNs / timed, maxNs) / 1000,
    p50Us: us(0.5),
    p99Us: us(0.99),
  }
}
