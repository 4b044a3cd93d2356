import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FrameWatch, hangOf, type Sighting, watchFrame } from './hang.ts'

const ms = 1_000_000n
const sentNs = 1000n * ms

/** A process as seen so many ms after the frame was sent. */
const seen = (atMs: number, cpuMs: number, runnable = true): Sighting => ({
  sentNs,
  tickNs: sentNs + BigInt(atMs) * ms,
  cpuNs: BigInt(cpuMs) * ms,
  runnable,
})

const watched = (...sightings: readonly Sighting[]): FrameWatch =>
  sightings.reduce<FrameWatch | undefined>(watchFrame, undefined) as FrameWatch
const verdict = (...sightings: readonly Sighting[]) => hangOf(watched(...sightings))

test('a plugin that computes for ever is found at the first look after 10 ms, and its CPU time is the evidence', () => {
  assert.equal(verdict(seen(4, 100), seen(9, 105)), undefined)
  assert.deepEqual(verdict(seen(4, 100), seen(9, 105), seen(14, 110)), {
    charged: 'timeout',
    detail: 'process() did not return within 14 ms and used at least 10 ms of CPU time',
  })
})

test('a plugin that sleeps in process() is found when it was asleep twice', () => {
  assert.deepEqual(verdict(seen(2, 7, false), seen(7, 7, false), seen(12, 7, false)), {
    charged: 'timeout',
    detail: 'process() did not return within 12 ms: it blocks',
  })
  assert.equal(verdict(seen(2, 7), seen(7, 7), seen(12, 7, false)), undefined)
})

test('a plugin that the machine gives no processor is let be for half a second, and then charged with nothing', () => {
  for (const atMs of [11, 50, 200, 499]) assert.equal(verdict(seen(1, 7), seen(atMs - 5, 8), seen(atMs, 9)), undefined)
  const starved = verdict(seen(1, 7), seen(496, 8), seen(501, 9))
  assert.ok(starved !== undefined && starved.charged === undefined)
})

test('after the whole machine stood still nothing is concluded from the first look', () => {
  assert.equal(verdict(seen(600, 7, false)), undefined)
  assert.equal(verdict(seen(0, 7), seen(600, 7, false)), undefined)
})

test('while the loop does not tick there is nothing to conclude', () => {
  assert.equal(verdict(seen(2, 7, false), seen(12, 7, false), seen(12, 7, false)), undefined)
})

test('what was seen of an earlier frame does not count', () => {
  const next = (atMs: number, cpuMs: number): Sighting => ({ ...seen(atMs, cpuMs), sentNs: sentNs + ms })
  assert.equal(verdict(seen(4, 0), seen(9, 5), next(12, 8), next(15, 11)), undefined)
})
