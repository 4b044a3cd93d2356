import assert from 'node:assert/strict'
import { test } from 'node:test'
import { histogram, rigStatus as layout, rigPlugin, rigPluginBytes, rigStatusBytes } from '../../gen/layout.ts'
import { bucketOf } from '../../shm/histogram.ts'
import { intervalBetween, type LoopReading } from './loop-interval.ts'

interface Counted {
  readonly ticks?: bigint
  readonly missed?: bigint
  readonly square?: number
  /** Durations of lateness, ns. */
  readonly late?: readonly number[]
  readonly life?: number
  readonly executions?: bigint
  readonly roundTrips?: readonly number[]
}

function count(bytes: Buffer, at: number, durations: readonly number[]): void {
  for (const ns of durations) {
    const place = at + histogram.counts.offset + bucketOf(ns) * 8
    bytes.writeBigUInt64LE(bytes.readBigUInt64LE(place) + 1n, place)
  }
  bytes.writeBigUInt64LE(BigInt(Math.max(0, ...durations)), at + histogram.max_ns.offset)
}

const slot = 3

/** A loop's status, with a plugin in slot 3. */
function reading(atMs: number, counted: Counted): LoopReading {
  const bytes = Buffer.alloc(rigStatusBytes)
  const plugin = layout.plugins.offset + slot * rigPluginBytes
  bytes.writeBigUInt64LE(counted.ticks ?? 0n, layout.ticks.offset)
  bytes.writeBigUInt64LE(counted.missed ?? 0n, layout.missed_ticks.offset)
  bytes.writeDoubleLE(counted.square ?? 0, layout.out_square_sum.offset)
  count(bytes, layout.lateness.offset, counted.late ?? [])
  bytes.writeUInt32LE(counted.life ?? 1, plugin + rigPlugin.life.offset)
  bytes.writeBigUInt64LE(counted.executions ?? 0n, plugin + rigPlugin.executions.offset)
  count(bytes, plugin + rigPlugin.round_trip.offset, counted.roundTrips ?? [])
  return { bytes, atNs: BigInt(atMs) * 1_000_000n, running: true }
}

const owner = (life: number) => ({ slot, life, id: 'the id', name: 'lowpass' })

test('an interval has what was counted in it, and not what was before', () => {
  const before = { ticks: 1000n, missed: 4n, square: 100, late: [50_000, 900_000] }
  const after = { ticks: 1100n, missed: 5n, square: 500, late: [...before.late, ...Array(99).fill(20_000), 60_000] }
  const interval = intervalBetween(reading(0, before), reading(101, after), [])
  assert.deepEqual([interval.ticks, interval.missedTicks, interval.elapsedUs], [100n, 1n, 101_000n])
  assert.equal(interval.outRmsNm, 2)
  const { p50 = 0, p99 = 0, p999 = 0, max = 0 } = interval.lateness ?? {}
  for (const [told, truth] of [
    [p50, 20],
    [p99, 20],
    [p999, 60],
    [max, 60],
  ] as const) {
    assert.ok(told >= truth && told <= truth * 1.033, `${told} for ${truth} µs`)
  }
})

test('an interval in which nothing happened has no durations and no torque', () => {
  const still = reading(0, { ticks: 7n, late: [10] })
  const interval = intervalBetween(still, still, [])
  assert.deepEqual(interval.lateness, { p50: 0, p99: 0, p999: 0, max: 0 })
  assert.deepEqual([interval.ticks, interval.outRmsNm], [0n, 0])
})

test('the loop of a rig that was made anew counts from nothing', () => {
  const interval = intervalBetween(
    reading(0, { ticks: 5000n, late: [10, 10] }),
    reading(10, { ticks: 9n, late: [10] }),
    [],
  )
  assert.equal(interval.ticks, 9n)
  assert.equal(interval.lateness?.max, 0.01)
})

test('a plugin that took another one’s slot counts from nothing, and one that has left has no line', () => {
  const before = reading(0, { life: 1, executions: 500n, roundTrips: [1000, 1000] })
  const after = reading(100, { life: 2, executions: 90n, roundTrips: [3000] })
  const [plugin] = intervalBetween(before, after, [owner(2)]).plugins
  assert.deepEqual([plugin?.name, plugin?.executions, plugin?.roundTrip?.p50], ['lowpass', 90n, 3])
  assert.deepEqual(intervalBetween(before, after, [owner(1)]).plugins, [])
  const [same] = intervalBetween(before, reading(100, { life: 1, executions: 600n }), [owner(1)]).plugins
  assert.equal(same?.executions, 100n)
})

test('counts that pass 2^32 within the interval are counted right', () => {
  const before = reading(0, { ticks: 1n })
  const after = reading(100, { ticks: 2n })
  const place = layout.lateness.offset + histogram.counts.offset + bucketOf(20) * 8
  before.bytes.writeBigUInt64LE(2n ** 32n - 5n, place)
  after.bytes.writeBigUInt64LE(2n ** 32n + 5n, place)
  after.bytes.writeBigUInt64LE(20n, layout.lateness.offset + histogram.max_ns.offset)
  assert.equal(intervalBetween(before, after, []).lateness?.p50, 0.02)
})
