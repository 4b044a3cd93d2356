import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { paceForza } from './forza-pace.ts'

/** What a 72 Hz game stamps with a timer of 15.625 ms. */
const quantised = (count: number) =>
  Array.from({ length: count }, (_, index) => Math.floor(Math.floor((index * 1000) / 72 / 15.625) * 15.625))

test('datagrams that share a timestamp of the console are put where the game sent them', () => {
  const pace = paceForza(quantised(1000))
  assert.ok(Math.abs(pace.rateHz - 72) < 0.1, `${pace.rateHz}`)
  for (const [index, atMs] of pace.atMs.entries()) assert.ok(Math.abs(atMs - (index * 1000) / 72) < 16)
})

test('a gap of the game keeps its length, a new session begins at once, and the clock may wrap', () => {
  const { atMs } = paceForza([0, 16, 32, 422, 438, 90_000, 90_016])
  assert.deepEqual(atMs.slice(0, 5), [0, 16, 32, 422, 438])
  assert.equal(atMs[5]! - atMs[4]!, 16)
  assert.deepEqual(paceForza([2 ** 32 - 16, 0, 16]).atMs, [0, 16, 32])
})

test('timestamps that make no sense give the stated 60 Hz', () => {
  assert.equal(paceForza([7, 7, 7, 7]).rateHz.toFixed(6), '60.000000')
  assert.deepEqual(paceForza([123]), { atMs: [0], rateHz: 60 })
})

test('whatever the timestamps, time rises and no step is longer than five seconds', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 2 ** 32 - 1 }), { minLength: 1, maxLength: 100 }), (stamps) => {
      const { atMs, rateHz } = paceForza(stamps)
      assert.equal(atMs.length, stamps.length)
      assert.ok(Number.isFinite(rateHz) && rateHz > 0)
      for (let index = 1; index < atMs.length; index++) {
        const step = atMs[index]! - atMs[index - 1]!
        assert.ok(step > 0 && step < 5000.001, `${step}`)
      }
    }),
  )
})
