import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FrameWatch, hangOf, rememberHangs, type Sighting, watchFrame } from './hang.ts'

const ms = 1_000_000n
const sentNs = 1000n * ms

/** A process as seen so many ms after the frame was sent. */
const seen = (atMs: number, cpuMs: number, asleep = false): Sighting => ({
  sentNs,
  tickNs: sentNs + BigInt(atMs) * ms,
  cpuNs: BigInt(cpuMs) * ms,
  asleep,
})

const watched = (...sightings: readonly Sighting[]): FrameWatch =>
  sightings.reduce<FrameWatch | undefined>(watchFrame, undefined) as FrameWatch
const verdict = (...sightings: readonly Sighting[]) => hangOf(watched(...sightings))

test('a plugin that computes for ever, and hid from its own timer, is found at the first look after 15 ms', () => {
  assert.equal(verdict(seen(4, 100), seen(9, 105), seen(14, 110)), undefined)
  assert.deepEqual(verdict(seen(4, 100), seen(9, 105), seen(14, 110), seen(19, 115)), {
    charged: 'again',
    detail: 'process() did not return within 19 ms and used at least 15 ms of CPU time',
  })
})

test('what a core that was taken away looks like is charged to nobody, and to a plugin of which it is seen twice in a minute', () => {
  const reasonOf = rememberHangs()
  const hang = { charged: 'again', detail: 'it computes' } as const
  const chargedAt = (plugin: string, atMs: number) => reasonOf(plugin, hang, BigInt(atMs) * ms).charged
  assert.equal(chargedAt('a', 0), undefined)
  assert.equal(chargedAt('b', 100), undefined)
  assert.equal(chargedAt('a', 59_000), 'timeout')
  assert.equal(chargedAt('a', 60_000), 'timeout')
  assert.equal(chargedAt('b', 60_200), undefined)
  assert.deepEqual(reasonOf('b', { charged: 'timeout', detail: 'it blocks' }, 0n), {
    charged: 'timeout',
    detail: 'it blocks',
  })
})

test('a plugin that sleeps in process() is found when it was asleep twice', () => {
  assert.deepEqual(verdict(seen(2, 7, true), seen(7, 7, true), seen(12, 7, true)), {
    charged: 'timeout',
    detail: 'process() did not return within 12 ms: it blocks',
  })
  assert.equal(verdict(seen(2, 7), seen(7, 7), seen(12, 7, true)), undefined)
})

test('a plugin that the machine gives no processor is let be for half a second, and then charged with nothing', () => {
  for (const atMs of [11, 50, 200, 499]) assert.equal(verdict(seen(1, 7), seen(atMs - 5, 8), seen(atMs, 9)), undefined)
  const starved = verdict(seen(1, 7), seen(496, 8), seen(501, 9))
  assert.ok(starved !== undefined && starved.charged === undefined)
})

test('after the whole machine stood still nothing is concluded from the first look', () => {
  assert.equal(verdict(seen(600, 7, true)), undefined)
  assert.equal(verdict(seen(0, 7), seen(600, 7, true)), undefined)
})

test('while the loop does not tick there is nothing to conclude', () => {
  assert.equal(verdict(seen(2, 7, true), seen(12, 7, true), seen(12, 7, true)), undefined)
})

test('what was seen of an earlier frame does not count', () => {
  const next = (atMs: number, cpuMs: number): Sighting => ({ ...seen(atMs, cpuMs), sentNs: sentNs + ms })
  assert.equal(verdict(seen(4, 0), seen(9, 5), next(12, 8), next(15, 11)), undefined)
})
