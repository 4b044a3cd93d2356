import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PluginStatistics } from '../../gen/proto/openracing/v1/statistics.ts'
import { createHistogram } from '../../shm/histogram.ts'
import { type CallCounts, noCalls, sumOf } from './call-counts.ts'
import { countedUpTo, countsBetween, type PluginReading, type Read, readingOf } from './plugin-reading.ts'

const statistics = (part: Parameters<typeof PluginStatistics.fromPartial>[0]): PluginStatistics =>
  PluginStatistics.fromPartial({ cpu: { buckets: [], maxNs: 0n }, ...part })

function read(life: string, part: Parameters<typeof statistics>[0], atMs = 0): PluginReading {
  const reading = readingOf(life, statistics(part), atMs)
  assert.ok(typeof reading === 'object', `${reading}`)
  return reading
}

test('what was counted between two readings is counted once', () => {
  const before = read('1', { executions: 10n, failures: 3n, unreturned: 2n })
  const now = read('1', { executions: 15n, failures: 6n, unreturned: 4n }, 900)
  assert.deepEqual(countsBetween(before, now), { ...noCalls, executions: 7, failures: 3, lastMs: 900 })
  assert.deepEqual(countsBetween(now, { ...now, atMs: 1000 }), noCalls)
})

test('counters of another life, and counters that went back, began anew', () => {
  const before = read('1', { executions: 10n })
  assert.equal(countsBetween(before, read('2', { executions: 12n }))?.executions, 12)
  assert.equal(countsBetween(before, read('1', { executions: 4n }))?.executions, 4)
  assert.equal(countsBetween(undefined, read('1', { executions: 9n }))?.executions, 9)
  const slow = read('1', { executions: 10n, cpu: { buckets: [{ upperBoundNs: 5n, count: 10n }], maxNs: 5n } })
  const other = read('1', { executions: 11n, cpu: { buckets: [{ upperBoundNs: 6n, count: 11n }], maxNs: 6n } })
  assert.equal(countsBetween(slow, other)?.executions, 11)
})

test('failures that are read before their calls are counted with them, and no more than there are calls', () => {
  const readings = [
    read('1', { failures: 5n }),
    read('1', { executions: 2n, failures: 5n }),
    read('1', { executions: 9n, failures: 5n }),
    read('1', { executions: 12n, failures: 6n }),
    read('2', { executions: 1n, failures: 9n }),
    read('2', { executions: 3n, failures: 9n }),
  ]
  let before: PluginReading | undefined
  const counted = readings.map((now) => {
    const counts = countsBetween(before, now)
    assert.ok(counts)
    before = countedUpTo(before, now, counts)
    return [counts.executions, counts.failures]
  })
  assert.deepEqual(counted, [
    [0, 0],
    [2, 2],
    [7, 3],
    [3, 1],
    [1, 1],
    [2, 2],
  ])
})

test('the longest call of an interval is its own, and not that of all time', () => {
  const cpu = (...counts: readonly (readonly [bigint, bigint])[]) => ({
    buckets: counts.map(([upperBoundNs, count]) => ({ upperBoundNs, count })),
    maxNs: counts.at(-1)?.[0] ?? 0n,
  })
  const before = read('1', { executions: 2n, cpu: cpu([7n, 1n], [40n, 1n]) })
  const calm = read('1', { executions: 3n, cpu: cpu([7n, 2n], [40n, 1n]) })
  assert.equal(countsBetween(before, calm)?.maxNs, 7)
  const longer = read('1', { executions: 4n, cpu: cpu([7n, 2n], [40n, 1n], [50n, 1n]) })
  assert.equal(countsBetween(calm, longer)?.maxNs, 50)
})

test('a service that does not see the counters says nothing, and nothing begins anew', () => {
  assert.equal(readingOf('1', PluginStatistics.fromPartial({}), 0), 'absent')
  assert.equal(readingOf('1', undefined, 0), 'absent')
})

test('counters that no rig can have are refused', () => {
  const bucket = (upperBoundNs: bigint, count = 1n) => ({ upperBoundNs, count })
  const lies: readonly Parameters<typeof statistics>[0][] = [
    { executions: 2n ** 63n },
    { failures: 2n ** 64n - 1n },
    { unreturned: 2n ** 53n },
    { cpu: { buckets: [], maxNs: 2n ** 60n } },
    { cpu: { buckets: [bucket(9n), bucket(8n)], maxNs: 9n } },
    { cpu: { buckets: [bucket(9n), bucket(9n)], maxNs: 9n } },
    { cpu: { buckets: [bucket(100n)], maxNs: 100n } },
    { cpu: { buckets: [bucket(2n ** 64n - 1n)], maxNs: 9n } },
    { cpu: { buckets: [bucket(9n, 2n ** 63n)], maxNs: 9n } },
    { cpu: { buckets: [bucket(9n, 0n)], maxNs: 9n } },
  ]
  for (const lie of lies) assert.equal(readingOf('1', statistics(lie), 0), 'refused', String(lie))
})

test('more calls than there was time for are not counted, and counting goes on from there', () => {
  const before = read('1', { executions: 10n }, 1000)
  const jumped = read('1', { executions: 2n ** 40n }, 6000)
  assert.equal(countsBetween(before, jumped), undefined)
  assert.equal(countsBetween(jumped, read('1', { executions: 2n ** 40n + 5n }, 7000))?.executions, 5)
  // A loop that went on for a year while no host ran.
  const year = 365 * 86_400_000
  assert.equal(countsBetween(before, read('1', { executions: BigInt(year) }, year))?.executions, year - 10)
})

const anyBucket = fc.record({ upperBoundNs: fc.bigInt(0n, 2n ** 64n - 1n), count: fc.bigInt(0n, 2n ** 64n - 1n) })
const anyStatistics = fc
  .record({
    executions: fc.bigInt(0n, 2n ** 64n - 1n),
    failures: fc.bigInt(0n, 2n ** 64n - 1n),
    unreturned: fc.bigInt(0n, 2n ** 64n - 1n),
    cpu: fc.record({ buckets: fc.array(anyBucket, { maxLength: 4 }), maxNs: fc.bigInt(0n, 2n ** 64n - 1n) }),
  })
  .map(statistics)

const isRead = (reading: Read): reading is PluginReading => typeof reading === 'object'

test('whatever a service says, counts stay whole and never shrink', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom('1', '2'), anyStatistics), { maxLength: 8 }), (said) => {
      let before: PluginReading | undefined
      let total: CallCounts = noCalls
      for (const [life, words] of said) {
        const reading = readingOf(life, words, 1000)
        if (!isRead(reading)) continue
        const sum = sumOf(total, countsBetween(before, reading) ?? noCalls)
        assert.ok(sum.executions >= total.executions && sum.failures >= total.failures)
        assert.ok([sum.executions, sum.failures, ...sum.durations.values()].every(Number.isSafeInteger))
        total = sum
        before = reading
      }
    }),
  )
})

/** A service as it is: calls are counted, it ends now and then, and somebody looks when they like. */
const event = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('call' as const), ns: fc.integer({ min: 0, max: 1e7 }) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'look' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
)

test('of every life that somebody looked at last, each call is counted exactly once', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 80 }), (events) => {
      let [life, calls, made] = [1, 0, 0]
      let histogram = createHistogram()
      let before: PluginReading | undefined
      let total: CallCounts = noCalls
      const look = (): void => {
        const now = read(`${life}`, { executions: BigInt(calls), cpu: histogram.snapshot() })
        total = sumOf(total, countsBetween(before, now) ?? noCalls)
        before = now
      }
      for (const one of [...events, { kind: 'look' as const }]) {
        if (one.kind === 'look') look()
        else if (one.kind === 'call') {
          histogram.record(one.ns)
          calls++
          made++
        } else {
          look()
          life++
          calls = 0
          histogram = createHistogram()
        }
      }
      assert.equal(total.executions, made)
      assert.equal(
        total.durations.values().reduce((sum, count) => sum + count, 0),
        made,
      )
    }),
  )
})
