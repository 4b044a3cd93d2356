import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { histogramBuckets } from '../../gen/layout.ts'
import { bucketOf } from '../../shm/histogram.ts'
import { type CallCounts, coarse, cpuNsOf, noCalls, summaryOf, sumOf } from './call-counts.ts'
import { decodeDurations, encodeDurations } from './durations-code.ts'

function callsOf(durationsNs: readonly number[], failures = 0): CallCounts {
  const durations = new Map<number, number>()
  for (const ns of durationsNs) durations.set(bucketOf(ns), (durations.get(bucketOf(ns)) ?? 0) + 1)
  return {
    ...{ executions: durationsNs.length, failures, lastMs: 7, durations },
    cpuNs: cpuNsOf(durations),
    maxNs: Math.max(0, ...durationsNs),
  }
}

test('a plugin that was never called has no rates and no durations', () => {
  assert.deepEqual(summaryOf(noCalls), {
    ...{ executions: 0, failures: 0, successRate: 0, meanUs: 0, p50Us: 0, p99Us: 0, maxUs: 0, lastMs: 0 },
  })
})

test('mean, median, 99th percentile and maximum are near those of the calls themselves', () => {
  const us = Array.from({ length: 1000 }, (_, index) => index + 1)
  const calls = callsOf(
    us.map((each) => each * 1000),
    250,
  )
  const { meanUs, p50Us, p99Us, maxUs, successRate } = summaryOf(calls)
  assert.ok(Math.abs(meanUs - 500.5) < 500.5 * 0.016, `${meanUs}`)
  assert.ok(p50Us >= 500 && p50Us < 500 * 1.032, `${p50Us}`)
  assert.ok(p99Us >= 990 && p99Us <= 1000, `${p99Us}`)
  assert.equal(maxUs, 1000)
  assert.equal(successRate, 0.75)
  const rough = summaryOf({ ...calls, durations: coarse(calls.durations) })
  assert.ok(rough.p50Us >= p50Us && rough.p50Us < 500 * 1.125, `${rough.p50Us}`)
  assert.equal(rough.meanUs, meanUs)
})

test('a percentile is that of a call that was made, however few there were', () => {
  const { p50Us, p99Us } = summaryOf(callsOf([10_000, 20_000, 30_000]))
  assert.ok(p50Us >= 20 && p50Us < 20 * 1.032, `${p50Us}`)
  assert.equal(p99Us, 30)
})

test('calls that did not return have no duration, and take nothing from the mean', () => {
  const { durations, ...calls } = callsOf([10_000, 10_000, 10_000])
  const { meanUs } = summaryOf({ ...calls, durations, executions: 9, failures: 6 })
  assert.ok(Math.abs(meanUs - 10) < 0.16, `${meanUs}`)
})

const counted = fc
  .array(fc.integer({ min: 0, max: 2 ** 33 }), { maxLength: 50 })
  .map((durationsNs) => callsOf(durationsNs, Math.floor(durationsNs.length / 3)))

test('it makes no difference in which order counts come together', () => {
  fc.assert(
    fc.property(counted, counted, counted, (a, b, c) => {
      const [left, right] = [sumOf(sumOf(a, b), c), sumOf(c, sumOf(b, a))]
      assert.deepEqual(new Map([...left.durations].sort()), new Map([...right.durations].sort()))
      assert.deepEqual({ ...summaryOf(left), meanUs: 0 }, { ...summaryOf(right), meanUs: 0 })
    }),
  )
})

test('counts never leave the numbers that are exact', () => {
  const most = { ...noCalls, executions: Number.MAX_SAFE_INTEGER, durations: new Map([[5, Number.MAX_SAFE_INTEGER]]) }
  const { executions, durations } = sumOf(most, most)
  assert.deepEqual([executions, durations.get(5)], [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER])
})

const anyDurations = fc
  .uniqueArray(
    fc.tuple(fc.integer({ min: 0, max: histogramBuckets - 1 }), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })),
    { selector: ([bucket]) => bucket },
  )
  .map((pairs) => new Map(pairs.sort(([a], [b]) => a - b)))

test('durations come back from their bytes as they were', () => {
  fc.assert(
    fc.property(anyDurations, (durations) => {
      assert.deepEqual(decodeDurations(encodeDurations(durations)), durations)
    }),
  )
  const calm = new Map(Array.from({ length: 20 }, (_, index) => [600 + index, 100]))
  assert.equal(encodeDurations(calm).length, 41)
})

test('bytes that are no durations are refused, and never read for ever', () => {
  for (const bytes of [[5], [128], [0, 255], [160, 7, 1], [0, 1, 3]])
    assert.throws(() => decodeDurations(Uint8Array.from(bytes)), RangeError)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      try {
        for (const [bucket, count] of decodeDurations(bytes)) {
          assert.ok(bucket < histogramBuckets && Number.isSafeInteger(count))
        }
      } catch (cause) {
        assert.ok(cause instanceof RangeError)
      }
    }),
  )
})
