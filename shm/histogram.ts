import { histogramBuckets, histogramMaxBits, histogramSubBits, histogram as layout } from '../gen/layout.ts'
import type { Histogram } from '../gen/proto/openracing/v1/statistics.ts'

// The buckets of native/histogram.c: log-linear, 32 to the octave, from 1 ns to 8.6 s.
const perOctave = 2 ** histogramSubBits

/** The bucket that counts a duration, ns. */
export function bucketOf(ns: number): number {
  const whole = Math.floor(Math.max(0, ns))
  if (whole < perOctave) return whole
  if (whole >= 2 ** histogramMaxBits) return histogramBuckets - 1
  const octave = Math.floor(Math.log2(whole)) - histogramSubBits
  return octave * perOctave + Math.floor(whole / 2 ** octave)
}

/** The largest duration that a bucket counts, ns. */
export function upperBoundNs(bucket: number): number {
  if (bucket < 2 * perOctave) return bucket
  const octave = Math.floor(bucket / perOctave) - 1
  return (bucket - octave * perOctave + 1) * 2 ** octave - 1
}

function toMessage(countOf: (bucket: number) => bigint, maxNs: bigint): Histogram {
  const buckets: { upperBoundNs: bigint; count: bigint }[] = []
  for (let bucket = 0; bucket < histogramBuckets; bucket++) {
    const count = countOf(bucket)
    if (count > 0n) buckets.push({ upperBoundNs: BigInt(upperBoundNs(bucket)), count })
  }
  return { buckets, maxNs }
}

/** Reads a Histogram struct of shared memory that begins at `offset` of `bytes`. */
export function readHistogram(bytes: Buffer, offset: number): Histogram {
  const countsAt = offset + layout.counts.offset
  return toMessage(
    (bucket) => bytes.readBigUInt64LE(countsAt + bucket * 8),
    bytes.readBigUInt64LE(offset + layout.max_ns.offset),
  )
}

/** A histogram of this process's own. */
export interface OwnHistogram {
  /** Counts one duration, ns. */
  record(ns: number): void
  snapshot(): Histogram
}

export function createHistogram(): OwnHistogram {
  const counts = new Float64Array(histogramBuckets)
  let max = 0
  return {
    record(ns) {
      const bucket = bucketOf(ns)
      counts[bucket] = (counts[bucket] as number) + 1
      max = Math.max(max, ns)
    },
    snapshot: () => toMessage((bucket) => BigInt(counts[bucket] as number), BigInt(Math.round(max))),
  }
}
