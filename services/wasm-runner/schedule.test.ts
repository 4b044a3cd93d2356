import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { dueMs, startSchedule, takeTick } from './schedule.ts'

test('plugins of one rate are due at the same moments, whenever they were loaded', () => {
  assert.equal(dueMs(startSchedule(100, 3)), 10)
  assert.equal(dueMs(startSchedule(100, 9.9)), 10)
  assert.equal(dueMs(startSchedule(100, 10)), 20)
})

test('a tick that is taken late does not shift the ones after it', () => {
  const late = takeTick(startSchedule(100, 0), 17)
  assert.equal(late.missed, 0)
  assert.equal(dueMs(late.schedule), 20)
})

test('of the ticks that an overloaded machine was late for, one is taken and the others are missed', () => {
  const late = takeTick(startSchedule(100, 0), 45)
  assert.equal(late.missed, 3)
  assert.equal(dueMs(late.schedule), 50)
})

test('an hour at 60 Hz has 216,000 ticks and none is counted as missed', () => {
  let schedule = startSchedule(60, 0)
  let missed = 0
  for (let tick = 0; tick < 216_000; tick++) {
    const taken = takeTick(schedule, dueMs(schedule))
    schedule = taken.schedule
    missed += taken.missed
  }
  assert.equal(missed, 0)
  assert.ok(Math.abs(dueMs(schedule) - 3_600_000 - 1000 / 60) < 1e-6)
})

test('at every rate and moment the next tick lies ahead by no more than a period', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), fc.double({ min: 0, max: 1e9, noNaN: true }), (rateHz, nowMs) => {
      const schedule = startSchedule(rateHz, nowMs)
      const next = takeTick(schedule, Math.max(nowMs, dueMs(schedule))).schedule
      return dueMs(schedule) > nowMs - 1e-3 && dueMs(next) > dueMs(schedule)
    }),
  )
})
