import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { histogramBuckets, histogram as layout } from '../gen/layout.ts'
import { bucketOf, createHistogram, readHistogram, upperBoundNs } from './histogram.ts'

const native = fileURLToPath(new URL('../native', import.meta.url))

/** What native/histogram.c says about each duration: its bucket and the bucket's upper bound. */
function askC(durationsNs: readonly number[]): [bucket: number, upperBoundNs: number][] {
  execFileSync('make', ['-s', '-C', native, 'build/histogram_print'])
  const input = durationsNs.map((ns) => `${ns}\n`).join('')
  const output = execFileSync(`${native}/build/histogram_print`, { input, encoding: 'utf8', maxBuffer: 2 ** 26 })
  return output
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' ').map(Number) as [number, number])
}

test('TypeScript puts every duration into the bucket that C puts it into', () => {
  const bounds = Array.from({ length: histogramBuckets }, (_, bucket) => upperBoundNs(bucket))
  const edges = bounds.flatMap((bound) => [Math.max(0, bound - 1), bound, bound + 1])
  const random = fc.sample(fc.maxSafeNat(), { numRuns: 5000, seed: 1 })
  const shorter = random.map((ns) => Math.floor(ns / 2 ** (ns % 53)))
  const durations = [...edges, ...random, ...shorter]
  assert.deepEqual(
    durations.map((ns) => [bucketOf(ns), upperBoundNs(bucketOf(ns))]),
    askC(durations),
  )
})

test('no bucket is wider than a 32nd of what it counts', () => {
  for (let bucket = 1; bucket < histogramBuckets; bucket++) {
    const width = upperBoundNs(bucket) - upperBoundNs(bucket - 1)
    assert.ok(width === 1 || width * 32 <= upperBoundNs(bucket - 1) + 1, `bucket ${bucket}`)
  }
})

test('a longer duration is never in an earlier bucket, and fractions are cut', () => {
  const duration = fc.double({ min: 0, max: 1e12, noNaN: true })
  fc.assert(
    fc.property(duration, duration, (a, b) => {
      assert.ok(bucketOf(Math.min(a, b)) <= bucketOf(Math.max(a, b)))
      assert.equal(bucketOf(a), bucketOf(Math.floor(a)))
    }),
  )
})

test('a histogram counts what was recorded, and shared memory reads the same', () => {
  const duration = fc.integer({ min: 0, max: 2 ** 33 - 1 })
  fc.assert(
    fc.property(fc.array(duration, { maxLength: 200 }), (durations) => {
      const own = createHistogram()
      const shared = Buffer.alloc(layout.counts.offset + layout.counts.bytes)
      for (const ns of durations) {
        own.record(ns)
        const at = layout.counts.offset + bucketOf(ns) * 8
        shared.writeBigUInt64LE(shared.readBigUInt64LE(at) + 1n, at)
      }
      shared.writeBigUInt64LE(BigInt(Math.max(0, ...durations)), layout.max_ns.offset)
      const snapshot = own.snapshot()
      assert.deepEqual(snapshot, readHistogram(shared, 0))
      assert.equal(
        snapshot.buckets.reduce((sum, bucket) => sum + bucket.count, 0n),
        BigInt(durations.length),
      )
    }),
  )
})
