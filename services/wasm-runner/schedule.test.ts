import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { dueMs, lastDueMs, startSchedule, takeTick } from './schedule.ts'

test('plugins of one rate are due at the same moments, whenever they were loaded', () => {
  assert.equal(dueMs(startSchedule(100, 3)), 10)
  assert.equal(dueMs(startSchedule(100, 9.9)), 10)
  assert.equal(dueMs(startSchedule(100, 10)), 20)
})

test('a tick that is taken late does not shift the ones after it', () => {
  const late = takeTick(startSchedule(100, 0), 17)
  assert.equal(lastDueMs(late), 10)
  assert.equal(dueMs(late), 20)
})

test('of the ticks that an overloaded machine was late for, one is taken and the others are left out', () => {
  const late = takeTick(startSchedule(100, 0), 45)
  assert.equal(late.tick, 4)
  assert.equal(dueMs(late), 50)
})

test('an hour at 60 Hz has 216,000 ticks and none is left out', () => {
  let schedule = startSchedule(60, 0)
  for (let tick = 1; tick <= 216_000; tick++) {
    schedule = takeTick(schedule, dueMs(schedule))
    if (schedule.tick !== tick) assert.fail(`${schedule.tick} comes after ${tick - 1}`)
  }
  assert.ok(Math.abs(dueMs(schedule) - 3_600_000 - 1000 / 60) < 1e-6)
})

const rate = fc.integer({ min: 1, max: 200 })
const moment = fc.double({ min: 0, max: 1e9, noNaN: true })

test('at every rate and moment the next tick lies ahead by no more than a period', () => {
  fc.assert(
    fc.property(rate, moment, fc.integer({ min: 0, max: 15 }), (rateHz, nowMs, part) => {
      const schedule = startSchedule(rateHz, nowMs, part / 16)
      const next = takeTick(schedule, Math.max(nowMs, dueMs(schedule)))
      const first = dueMs(schedule)
      return first > nowMs - 1e-3 && first < nowMs + 1000 / rateHz + 1e-3 && dueMs(next) > first
    }),
  )
})

test('a plugin whose rate changes has its ticks at the multiples of each rate, whatever they were before', () => {
  fc.assert(
    fc.property(fc.array(rate, { minLength: 2, maxLength: 8 }), moment, (rates, beganMs) => {
      let nowMs = beganMs
      for (const rateHz of rates) {
        const schedule = startSchedule(rateHz, nowMs)
        const first = dueMs(schedule)
        const periods = (first * rateHz) / 1000
        assert.ok(Math.abs(periods - Math.round(periods)) < 1e-5 && first - nowMs < 1000 / rateHz + 1e-3)
        nowMs = first
      }
    }),
  )
})
