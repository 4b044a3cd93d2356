import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createBeats } from './beats.ts'

/** How many ticks of 100 plugins a second of sweeps finds due at once, at the most; and how many there are in all. */
function secondOf(together: boolean, plugins: number) {
  const beats = createBeats()
  for (let plugin = 0; plugin < plugins; plugin++) beats.join(60, together, 0)
  let [most, sum, wakeUps] = [0, 0, 0]
  for (let nowMs = beats.nextDueMs(); nowMs <= 1000.001; nowMs = beats.nextDueMs()) {
    const ticks = beats.takeDue(nowMs).reduce((count, { members }) => count + members, 0)
    most = Math.max(most, ticks)
    sum += ticks
    wakeUps++
  }
  return { most, sum, wakeUps }
}

test('plugins that see each other are due together, however many they are', () => {
  assert.deepEqual(secondOf(true, 1000), { most: 1000, sum: 60_000, wakeUps: 60 })
})

test('a thousand plugins that nobody sees are spread over the period, and each has its ticks', () => {
  const { most, sum, wakeUps } = secondOf(false, 1000)
  assert.equal(most, 63)
  assert.ok(sum > 59_000 && sum <= 60_000)
  assert.ok(wakeUps <= 960)
})

test('a few plugins that nobody sees are due together: a wake-up costs as much as their ticks', () => {
  assert.deepEqual(secondOf(false, 16), { most: 16, sum: 960, wakeUps: 60 })
})

test('nothing is due when the last plugin has left, and what is left has room for the next one', () => {
  const beats = createBeats()
  const joined = Array.from({ length: 40 }, () => beats.join(100, false, 0))
  const parts = (): number[] => joined.map(({ part }) => part)
  assert.deepEqual([parts()[0], parts()[16], parts()[32]], [0, 1, 2])
  beats.leave(joined[3]!)
  assert.equal(beats.join(100, false, 0).part, 0)
  for (const beat of beats.takeDue(1000)) for (let left = beat.members; left > 0; left--) beats.leave(beat)
  assert.equal(beats.nextDueMs(), Infinity)
})
