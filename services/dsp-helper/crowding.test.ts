import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Crowding, watchTurns } from './crowding.ts'

const after = (readings: readonly (readonly [sent: number, leftOut: number])[], instance = 1): Crowding | undefined =>
  readings.reduce<Crowding | undefined>(
    (crowding, [sent, leftOut]) => watchTurns(crowding, { instance, sent: BigInt(sent), leftOut: BigInt(leftOut) }),
    undefined,
  )

test('a plugin that is not asked in more than one tick of ten is told why, one that is asked is not', () => {
  assert.match(
    `${
      after([
        [0, 0],
        [800, 200],
      ])?.detail
    }`,
    /not asked in 200 of 1000 ticks; take one out of the chain/,
  )
  assert.equal(
    after([
      [0, 0],
      [900, 100],
    ])?.detail,
    undefined,
  )
  assert.equal(
    after([
      [0, 0],
      [0, 999],
    ])?.detail,
    undefined,
    'not a whole window yet',
  )
})

test('it is told until a whole second was better', () => {
  const crowded: [number, number][] = [
    [0, 0],
    [0, 1000],
  ]
  assert.notEqual(after([...crowded, [500, 1000]])?.detail, undefined)
  assert.equal(after([...crowded, [1000, 1000]])?.detail, undefined)
})

test('a process that was started again, or a loop that counts anew, begins a window of its own', () => {
  const crowded = after([
    [0, 0],
    [0, 1000],
  ])
  assert.equal(watchTurns(crowded, { instance: 2, sent: 0n, leftOut: 5000n }).detail, undefined)
  assert.equal(watchTurns(crowded, { instance: 1, sent: 0n, leftOut: 3n }).detail, undefined)
})
