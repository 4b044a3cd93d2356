import { histogramBuckets } from '../../gen/layout.ts'
import type { Durations } from './call-counts.ts'

// Buckets in ascending order, each as the distance from the one before and its count. Numbers have seven bits to a byte,
// the low ones first, and the highest bit says that there is more: most take one.

function put(bytes: number[], value: number): void {
  let rest = value
  while (rest >= 128) {
    bytes.push((rest % 128) + 128)
    rest = Math.floor(rest / 128)
  }
  bytes.push(rest)
}

/** Durations as few bytes. */
export function encodeDurations(durations: Durations): Uint8Array {
  const bytes: number[] = []
  let last = -1
  for (const [bucket, count] of [...durations].sort(([a], [b]) => a - b)) {
    put(bytes, bucket - last - 1)
    put(bytes, count)
    last = bucket
  }
  return Uint8Array.from(bytes)
}

function* numbersIn(bytes: Uint8Array): Generator<number, void, undefined> {
  let [value, weight] = [0, 1]
  for (const byte of bytes) {
    value += (byte & 127) * weight
    weight *= 128
    if (byte >= 128) continue
    yield value
    value = 0
    weight = 1
  }
  if (weight !== 1) throw new RangeError('counts of durations end in the middle of a number')
}

/** The way back. Throws RangeError for bytes that are none of ours. */
export function decodeDurations(bytes: Uint8Array): Durations {
  const durations = new Map<number, number>()
  let bucket = -1
  let counts = false
  for (const number of numbersIn(bytes)) {
    if (counts) durations.set(bucket, number)
    else bucket += number + 1
    if (bucket >= histogramBuckets || !Number.isSafeInteger(number)) throw new RangeError('counts of no duration')
    counts = !counts
  }
  if (counts) throw new RangeError('a duration without its count')
  return durations
}
