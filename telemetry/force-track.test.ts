import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createForceTrack } from './force-track.ts'

const frameMs = 1000 / 60

test('a packet that is missing holds the force for 100 ms and then lets go', () => {
  const track = createForceTrack(1)
  const samples: number[] = []
  for (let step = 0; step < 10; step++) samples.push(...track.at(step * frameMs, 0.5))
  for (let step = 10; step < 30; step++) samples.push(...track.missing(step * frameMs))
  samples.push(...track.finish())
  assert.equal(samples[200], 0.5)
  assert.ok(samples.slice(275).every((sample) => sample === 0))
  assert.equal(samples.length, Math.floor(29 * frameMs) + 1)
})

test('texture stays within its amplitude, and the sum within full force', () => {
  const track = createForceTrack(7)
  const samples: number[] = []
  for (let step = 0; step < 120; step++) samples.push(...track.at(step * frameMs, step < 60 ? 0 : 1, 0.05))
  const still = samples.slice(0, 900)
  assert.ok(still.every((sample) => Math.abs(sample) <= 0.05))
  assert.ok(Math.max(...still) > 0.045)
  assert.ok(samples.every((sample) => sample <= 1))
})

test('the same seed makes the same road, another seed another one', () => {
  const road = (seed: number) => {
    const track = createForceTrack(seed)
    return Array.from({ length: 20 }, (_, step) => track.at(step * frameMs, 0, 0.02)).flat()
  }
  assert.deepEqual(road(3), road(3))
  assert.notDeepEqual(road(3), road(4))
})
