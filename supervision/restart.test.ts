import assert from 'node:assert/strict'
import { test } from 'node:test'
import { delayMs, next, type RestartEvent, type RestartState, standardRestart, stopped } from './restart.ts'

const after = (events: readonly (readonly [RestartEvent, number])[]): RestartState =>
  events.reduce<RestartState>((state, [event, now]) => next(state, event, now, standardRestart), stopped)

test('what ends is started again after 100 ms, then 200, 400 and so on to 30 s', () => {
  const delays = Array.from({ length: 11 }, (_, index) => delayMs(index + 1, standardRestart))
  assert.deepEqual(delays, [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000])
  assert.equal(delayMs(10_000, standardRestart), 30_000)
})

test('it is not started before its time', () => {
  const waiting = after([
    ['start', 0],
    ['ready', 10],
    ['lost', 50],
  ])
  assert.deepEqual(waiting, { kind: 'waiting', losses: 1, restarts: 0, until: 150 })
  assert.equal(next(waiting, 'due', 149, standardRestart), waiting)
  assert.deepEqual(next(waiting, 'due', 150, standardRestart), { kind: 'starting', losses: 1, restarts: 1 })
})

test('a loss while starting counts as one while running does', () => {
  const state = after([
    ['start', 0],
    ['lost', 5],
    ['due', 105],
    ['lost', 110],
  ])
  assert.deepEqual(state, { kind: 'waiting', losses: 2, restarts: 1, until: 310 })
})

test('60 s of health forgive the losses but not the count of restarts', () => {
  const state = after([
    ['start', 0],
    ['lost', 0],
    ['due', 100],
    ['ready', 200],
    ['lost', 60_200],
  ])
  assert.deepEqual(state, { kind: 'waiting', losses: 1, restarts: 1, until: 60_300 })
  const early = after([
    ['start', 0],
    ['lost', 0],
    ['due', 100],
    ['ready', 200],
    ['lost', 60_199],
  ])
  assert.equal(early.kind === 'waiting' && early.losses, 2)
})

test('what was stopped stays stopped until it is asked to start', () => {
  const state = after([
    ['start', 0],
    ['ready', 1],
    ['stop', 2],
  ])
  for (const event of ['ready', 'lost', 'due', 'stop'] as const) {
    assert.equal(next(state, event, 1e9, standardRestart).kind, 'stopped')
  }
  assert.equal(next(state, 'start', 3, standardRestart).kind, 'starting')
})
