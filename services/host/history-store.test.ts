import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openDatabase } from '../../state/database.ts'
import { type CallCounts, noCalls, summaryOf, sumOf } from './call-counts.ts'
import { createHistoryStore, type HistoryBounds, historyMigrations, hourMs, minuteMs } from './history-store.ts'
import type { PluginReading } from './plugin-reading.ts'

const day = 24 * hourMs
/** The beginning of an hour, ms since 1970. */
const began = 500_000 * hourMs

function newStore(bounds?: HistoryBounds) {
  const database = openDatabase(':memory:', historyMigrations)
  return { database, store: createHistoryStore(database, bounds) }
}

const calls = (executions: number, bucket = 100, failures = 0): CallCounts => ({
  ...{ executions, failures, cpuNs: executions * 10, maxNs: 4000, lastMs: 5 },
  durations: new Map([[bucket, executions]]),
})
const reading = (returned: number, life = '1'): PluginReading => ({
  ...{ life, returned, unreturned: 0, failures: 0, maxNs: 4000, atMs: began },
  durations: new Map([[100, returned]]),
})
const everything = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, after: null, limit: 10_000 }

test('what was written is there again, and more is added to it', () => {
  const { database, store } = newStore()
  const write = (executions: number, upTo: number, startMs: number): void =>
    store.write([{ id: 'a', reading: reading(upTo), minutes: new Map([[startMs, calls(executions)]]) }], startMs)
  write(3, 3, began)
  write(4, 7, began)
  write(5, 12, began + minuteMs)
  const again = createHistoryStore(database)
  const [kept] = again.load()
  assert.deepEqual(kept, { id: 'a', reading: reading(12), total: sumOf(calls(12), noCalls) })
  assert.deepEqual(
    again.list({ ...everything, id: 'a' }).map(({ startMs, calls: { executions } }) => [startMs - began, executions]),
    [
      [0, 7],
      [minuteMs, 5],
    ],
  )
  assert.deepEqual(
    [
      again.sum('a', began + 1, began + day).executions,
      again.sum('a', began, began + minuteMs).executions,
      again.sum('a', began, began + minuteMs - 1).executions,
    ],
    [5, 12, 7],
  )
  assert.deepEqual(again.list({ ...everything, id: 'nobody' }), [])
})

test('a write that fails leaves nothing of itself', () => {
  const { database, store } = newStore()
  const news = (id: string) => ({ id, reading: reading(1), minutes: new Map([[began, calls(1)]]) })
  store.write([news('a')], began)
  const bad = { ...news('c'), minutes: new Map([[began, { ...calls(1), cpuNs: Number.NaN }]]) }
  assert.throws(() => store.write([news('a'), news('b'), bad], began), /NOT NULL/)
  assert.equal(database.isTransaction, false)
  assert.deepEqual(
    store.load().map(({ id, total }) => [id, total.executions]),
    [['a', 1]],
  )
})

test('minutes become hours after a day, hours go after ninety, and totals stay', () => {
  const { store } = newStore()
  const minutes = new Map(Array.from({ length: 120 }, (_, index) => [began + index * minuteMs, calls(2, 100 + index)]))
  store.write([{ id: 'a', reading: reading(240), minutes }], began)
  store.tidy(began + day + hourMs + 1, 0)
  const listed = store.list({ ...everything, id: 'a' })
  assert.equal(listed.length, 61)
  assert.deepEqual(
    [listed[0]?.lengthMs, listed[0]?.calls.executions, listed[1]?.startMs],
    [hourMs, 120, began + hourMs],
  )
  assert.equal(summaryOf(store.sum('a', 0, began + day)).executions, 240)
  // What comes late for an hour that was made is in it after the next time.
  store.write([{ id: 'a', reading: reading(243), minutes: new Map([[began + 5 * minuteMs, calls(3)]]) }], began)
  store.tidy(began + day + hourMs + 2, 1)
  assert.equal(store.list({ ...everything, id: 'a' })[0]?.calls.executions, 123)
  store.tidy(began + 91 * day + hourMs, 90 * day)
  assert.deepEqual(store.list({ ...everything, id: 'a' }), [])
  assert.equal(store.load()[0]?.total.executions, 243)
})

test('a step of the clock deletes nothing, and what is old goes in the end all the same', () => {
  const { database, store } = newStore()
  const left = (): number => createHistoryStore(database).list({ ...everything, id: 'a' }).length
  store.write([{ id: 'a', reading: reading(1), minutes: new Map([[began, calls(1)]]) }], began)
  store.tidy(began, day)
  store.tidy(began + 120 * day, hourMs)
  store.tidy(began - 9000 * day, hourMs)
  store.tidy(began + 2 * hourMs, hourMs)
  assert.equal(left(), 1)
  // The clock stays wrong: it is believed as fast as time goes on, over every start.
  for (let passed = 1; passed <= 89; passed++) createHistoryStore(database).tidy(began + 5000 * day, day)
  assert.equal(left(), 1)
  for (let passed = 1; passed <= 2; passed++) createHistoryStore(database).tidy(began + 5000 * day, day)
  assert.equal(left(), 0)
})

test('a history that began while the clock was ahead keeps what is written when that is right', () => {
  const { store } = newStore()
  store.tidy(began + 5000 * day, day)
  store.write([{ id: 'a', reading: reading(1), minutes: new Map([[began, calls(1)]]) }], began)
  store.tidy(began + hourMs, hourMs)
  assert.equal(store.list({ ...everything, id: 'a' }).length, 1)
})

test('pages of samples follow each other without a gap, hours and minutes that begin together too', () => {
  const { store } = newStore()
  const old = new Map([[began, calls(1)]])
  store.write([{ id: 'a', reading: reading(1), minutes: old }], began)
  store.tidy(began + 2 * day, 0)
  const minutes = new Map(Array.from({ length: 5 }, (_, index) => [began + index * minuteMs, calls(index + 2)]))
  store.write([{ id: 'a', reading: reading(9), minutes }], began)
  const seen: number[] = []
  for (let after = null as { readonly startMs: number; readonly lengthMs: number } | null; ; ) {
    const page = store.list({ ...everything, id: 'a', after, limit: 2 })
    seen.push(...page.map((sample) => sample.calls.executions))
    after = page.at(-1) ?? null
    if (after === null) break
  }
  assert.deepEqual(seen, [1, 2, 3, 4, 5, 6])
})

test('what is too much goes: the oldest day of samples, and plugins that did nothing for longest', () => {
  const { store, database } = newStore({ bytes: 200_000, plugins: 2 })
  const wide = { ...calls(1), durations: new Map(Array.from({ length: 900 }, (_, bucket) => [bucket, 1])) }
  for (const [index, id] of ['first', 'second', 'third'].entries()) {
    const minutes = new Map(Array.from({ length: 300 }, (_, at) => [began + at * hourMs, wide]))
    store.write([{ id, reading: reading(1), minutes }], began + index)
  }
  store.tidy(began + 13 * day, 0)
  assert.deepEqual(
    store.load().map(({ id }) => id),
    ['second', 'third'],
  )
  const listed = store.list({ ...everything, id: 'third' })
  assert.ok(listed.length > 0 && listed.length < 300 && listed.at(-1)?.startMs === began + 299 * hourMs)
  const { used } = database.prepare('SELECT sum(length(durations)) AS used FROM samples').get() as { used: number }
  assert.ok(used < 200_000, `${used} bytes`)
})
