import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkRate, rateOf, ticksOf } from './rate.ts'

test('a plugin of which no rate is said is called in each tick, and 0 is a rate', () => {
  assert.deepEqual([rateOf({}), rateOf({ updateRateHz: 0 }), rateOf({ updateRateHz: 250 })], [1000, 0, 250])
  assert.deepEqual([1000, 500, 250, 0].map(ticksOf), [1, 2, 4, 0])
})

test('a rate that the loop does not have is refused with those that it has', () => {
  for (const rateHz of [1000, 500, 250, 0]) checkRate('plugins[0].update_rate_hz', rateHz)
  assert.throws(() => checkRate('plugins[2].update_rate_hz', 333), {
    code: 'REQUEST_INVALID',
    detail: 'plugins[2].update_rate_hz is 333; send 1000, 500 or 250, or 0 for never',
  })
})
