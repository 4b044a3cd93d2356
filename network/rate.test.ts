import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAllowance } from './rate.ts'

test('so many at once, and so many a second from then on', () => {
  const allowance = createAllowance({ burst: 3, perSecond: 2 }, 1000)
  const asked = (atMs: number, times: number): number =>
    Array.from({ length: times }, () => allowance.ask(atMs)).filter(Boolean).length
  assert.equal(asked(1000, 10), 3)
  assert.equal(asked(1499, 10), 0)
  assert.equal(asked(2000, 10), 2)
  assert.equal(asked(900_000, 10), 3, 'what was saved up is bounded')
  assert.equal(asked(800_000, 10), 0, 'a clock that goes back gives nothing')
})
