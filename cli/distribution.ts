import type { Histogram } from '../gen/proto/openracing/v1/statistics.ts'

/** What a person wants to know of many durations, µs. */
export interface Distribution {
  readonly p50: number
  readonly p99: number
  readonly p999: number
  readonly max: number
}

export const emptyHistogram: Histogram = { buckets: [], maxNs: 0n }

/**
 * What was counted between two readings. Counters that went back were started anew by a restart: then everything in
 * `later` is new.
 */
export function between(earlier: Histogram | undefined, later: Histogram | undefined): Histogram {
  const before = new Map(earlier?.buckets.map((bucket) => [bucket.upperBoundNs, bucket.count]))
  const all = later?.buckets ?? []
  const restarted = all.some((bucket) => bucket.count < (before.get(bucket.upperBoundNs) ?? 0n))
  const buckets = all
    .map(({ upperBoundNs, count }) => ({
      upperBoundNs,
      count: restarted ? count : count - (before.get(upperBoundNs) ?? 0n),
    }))
    .filter((bucket) => bucket.count > 0n)
  return { buckets, maxNs: later?.maxNs ?? 0n }
}

function quantileNs(histogram: Histogram, share: number): bigint {
  const total = histogram.buckets.reduce((sum, bucket) => sum + bucket.count, 0n)
  // The smallest duration that at least this share of all stays within; bounds are at most 3.2 % above the truth.
  const rank = BigInt(Math.ceil(Number(total) * share))
  let counted = 0n
  for (const bucket of histogram.buckets) {
    counted += bucket.count
    if (counted >= rank) return bucket.upperBoundNs
  }
  return 0n
}

const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b)

/** Quantiles of a histogram, µs. No duration exceeds the largest that was ever seen. */
export function distributionOf(histogram: Histogram): Distribution {
  const us = (share: number): number => Number(smaller(quantileNs(histogram, share), histogram.maxNs)) / 1000
  return { p50: us(0.5), p99: us(0.99), p999: us(0.999), max: us(1) }
}
