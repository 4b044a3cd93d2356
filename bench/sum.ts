import { type Distribution, distributionOf } from '../cli/distribution.ts'
import type { Histogram } from '../gen/proto/openracing/v1/statistics.ts'
import { bucketOf, upperBoundNs } from '../shm/histogram.ts'

/** The durations of all rounds of one contestant, in the buckets of native/histogram.h. */
export interface Sum {
  add(histogram: Histogram): void
  count(): number
  histogram(): Histogram
  distribution(): Distribution
}

export function createSum(): Sum {
  const counts = new Map<bigint, bigint>()
  let maxNs = 0n
  const histogram = (): Histogram => ({
    buckets: [...counts]
      .map(([upperBoundNs, count]) => ({ upperBoundNs, count }))
      .sort((a, b) => Number(a.upperBoundNs - b.upperBoundNs)),
    maxNs,
  })
  return {
    add(more) {
      for (const { upperBoundNs, count } of more.buckets)
        counts.set(upperBoundNs, (counts.get(upperBoundNs) ?? 0n) + count)
      if (more.maxNs > maxNs) maxNs = more.maxNs
    },
    count: () => [...counts.values()].reduce((sum, count) => sum + Number(count), 0),
    histogram,
    distribution: () => distributionOf(histogram()),
  }
}

/** Pairs of a bucket's upper bound and its count, as the programs of bench/native print them. */
export const fromPairs = (pairs: readonly (readonly [number, number])[], maxNs: number): Histogram => ({
  buckets: pairs.map(([bound, count]) => ({ upperBoundNs: BigInt(bound), count: BigInt(count) })),
  maxNs: BigInt(maxNs),
})

/** Exact durations and how often each occurred, put into the buckets that all others were counted in. */
export function fromExact(pairs: readonly (readonly [number, number])[], maxNs: number): Histogram {
  const counts = new Map<number, number>()
  for (const [ns, count] of pairs) {
    const bound = upperBoundNs(bucketOf(ns))
    counts.set(bound, (counts.get(bound) ?? 0) + count)
  }
  return fromPairs(
    [...counts].sort(([a], [b]) => a - b),
    maxNs,
  )
}
