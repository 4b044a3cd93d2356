import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wordsOfId } from './call-record.ts'
import type { Instance } from './instance.ts'
import type { PluginSpec } from './plugin-spec.ts'
import { createSeats } from './seats.ts'
import { specOf } from './testing/specs.ts'

const none = {} as Instance

const newcomer = (ticket: number, part: Partial<PluginSpec> = {}) => {
  const spec = specOf({ order: ticket, ...part })
  return { ticket, spec, idWords: wordsOfId(spec.id), instance: none, unitsPerUs: 1 }
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
