import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wordsOfId } from './call-record.ts'
import type { Instance } from './instance.ts'
import type { PluginSpec } from './plugin-spec.ts'
import { firstTerms, type PluginTerms } from './plugin-terms.ts'
import { createSeats, type Seats } from './seats.ts'
import { specOf } from './testing/specs.ts'

const none = {} as Instance

const newcomer = (ticket: number, part: Partial<PluginSpec> = {}) => {
  const spec = specOf({ order: ticket, ...part })
  return { ticket, spec, terms: firstTerms(spec), idWords: wordsOfId(spec.id), instance: none, unitsPerUs: 1 }
}

test('plugins of two rates that are due at one moment are taken together, in their order', () => {
  const seats = createSeats()
  seats.join(newcomer(2, { rateHz: 100 }), 0)
  seats.join(newcomer(3, { rateHz: 200 }), 0)
  seats.join(newcomer(1, { rateHz: 200 }), 0)
  const taken = (nowMs: number) => seats.takeDue(nowMs).map(({ ticket }) => ticket)
  assert.deepEqual(taken(5), [1, 3])
  assert.deepEqual(taken(10), [1, 2, 3])
  assert.deepEqual(taken(10), [])
  assert.equal(seats.nextDueMs(), 15)
})

test('a plugin that joins when the others are late for a tick has had that tick', () => {
  const seats = createSeats()
  seats.join(newcomer(1), 0)
  seats.join(newcomer(2), 12)
  const behind = seats.takeDue(12).map(({ beat, tick }) => (beat?.schedule.tick ?? 0) - tick)
  assert.deepEqual(behind, [1, 0], 'periods since its newest tick')
})

test('those that nobody sees are spread, and those that are seen are not', () => {
  const seats = createSeats()
  const alone = { capabilities: ['ReadTelemetry'], rateHz: 100 } as const
  for (let ticket = 0; ticket < 64; ticket++) seats.join(newcomer(ticket, ticket % 2 === 0 ? alone : {}), 0)
  const [first, second] = [seats.takeDue(10), seats.takeDue(11)]
  assert.equal(first.filter(({ runs }) => runs.force).length, 32)
  assert.ok(second.length > 0 && second.every(({ runs }) => !runs.force))
})

const terms = (part: Partial<PluginTerms> = {}): PluginTerms => ({ ...firstTerms(specOf()), ...part })

/** When a plugin ticks, with what is done at some of the times, in ms. */
function ticksOf(ticket: number, seats: Seats, endMs: number, acts: Readonly<Record<number, () => void>>) {
  const ticks: [ms: number, missed: number][] = []
  for (let ms = 1; ms <= endMs; ms++) {
    for (const seat of seats.takeDue(ms)) {
      const missed = (seat.beat?.schedule.tick ?? 0) - seat.tick - 1
      seat.tick += missed + 1
      if (seat.ticket === ticket) ticks.push([ms, missed])
    }
    acts[ms]?.()
  }
  return ticks
}

test('a plugin that is slowed down and comes back keeps to the moments of its rates, and misses nothing', () => {
  const seats = createSeats()
  seats.join(newcomer(1, { rateHz: 200 }), 0)
  const ticks = ticksOf(1, seats, 100, {
    22: () => seats.adjust(1, terms({ rateHz: 100 }), 22),
    50: () => seats.adjust(1, terms({ rateHz: 50 }), 50),
    81: () => seats.adjust(1, terms({ rateHz: 200 }), 81),
  })
  const times = [5, 10, 15, 20, 30, 40, 50, 60, 80, 85, 90, 95, 100]
  assert.deepEqual(
    ticks,
    times.map((ms) => [ms, 0]),
  )
})

test('a plugin whose rate stays keeps its beat, whatever else changes, and its neighbours tick as before', () => {
  const seats = createSeats()
  for (let ticket = 0; ticket < 40; ticket++) seats.join(newcomer(ticket, { capabilities: ['ReadTelemetry'] }), 0)
  const beatOf = () => seats.adjust(39, terms({ capabilities: ['ReadTelemetry'] }), 3)?.after.beat
  const before = beatOf()
  assert.ok(before !== undefined && before.part > 0)
  assert.equal(beatOf(), before)
  const ticks = ticksOf(5, seats, 100, { 33: () => seats.adjust(39, terms({ rateHz: 7 }), 33) })
  assert.deepEqual(
    ticks,
    Array.from({ length: 10 }, (_, index) => [10 * (index + 1), 0]),
  )
  // Its lights are seen from now on: it has to be due with the others that are.
  assert.equal(seats.adjust(38, terms(), 100)?.after.beat?.part, 0)
})

test('a plugin at 0 Hz is not due, has no part in the force, and keeps its mail', () => {
  const seats = createSeats()
  const one = newcomer(1)
  seats.join(one, 0)
  seats.mail.send(one.spec.id, new Uint8Array(1))
  const stopped = seats.adjust(1, terms({ rateHz: 0 }), 4)
  assert.deepEqual([stopped?.before.runs.force, stopped?.after.runs.force], [true, false])
  assert.deepEqual([seats.takeDue(1000), seats.nextDueMs(), seats.pipeline.isEmpty()], [[], Infinity, true])
  assert.ok(seats.mail.peek(one.spec.id) !== undefined)
  seats.adjust(1, terms({ capabilities: ['ReadTelemetry'] }), 1004)
  assert.equal(seats.mail.peek(one.spec.id), undefined, 'who may not talk has no mailbox')
  assert.equal(seats.nextDueMs(), 1010)
  assert.equal(seats.adjust(2, terms(), 1004), undefined)
})
