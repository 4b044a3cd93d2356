import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createHistogram } from '../shm/histogram.ts'
import { between, distributionOf, emptyHistogram } from './distribution.ts'

function histogramOf(...durationsNs: readonly number[]) {
  const histogram = createHistogram()
  for (const ns of durationsNs) histogram.record(ns)
  return histogram.snapshot()
}

test('quantiles are at most one bucket, 3.2 %, above the duration that they stand for', () => {
  const { p50, p99, p999, max } = distributionOf(
    histogramOf(...Array.from({ length: 1000 }, (_, index) => (index + 1) * 1000)),
  )
  for (const [told, truth] of [
    [p50, 500],
    [p99, 990],
    [p999, 999],
    [max, 1000],
  ] as const) {
    assert.ok(told >= truth && told <= truth * 1.033, `${told} for ${truth} µs`)
  }
})

test('the quantile of a single duration is that duration, not the end of its bucket', () => {
  assert.deepEqual(distributionOf(histogramOf(123_456)), { p50: 123.456, p99: 123.456, p999: 123.456, max: 123.456 })
})

test('an empty histogram has no durations', () => {
  assert.deepEqual(distributionOf(emptyHistogram), { p50: 0, p99: 0, p999: 0, max: 0 })
})

test('the difference of two readings is what was counted between them', () => {
  const difference = between(histogramOf(10, 10, 20), histogramOf(10, 10, 20, 20, 30))
  assert.deepEqual(
    difference.buckets.map(({ upperBoundNs, count }) => [upperBoundNs, count]),
    [
      [20n, 1n],
      [30n, 1n],
    ],
  )
})

test('counters that a restart set back count from nothing', () => {
  assert.deepEqual(between(histogramOf(10, 10, 10), histogramOf(10)).buckets, [{ upperBoundNs: 10n, count: 1n }])
})
