import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadFuel, tickFuel } from './fuel.ts'

test('a tick has fuel for twice its budget, a small budget for a tenth of a millisecond, and a load for 50 ms', () => {
  assert.equal(tickFuel(5000, 7000), 70_000_000)
  assert.equal(tickFuel(100, 7000), 1_400_000)
  assert.equal(tickFuel(1, 7000), 1_400_000)
  assert.equal(tickFuel(5000, 0.1 + 0.2), 3001)
  assert.equal(loadFuel(7000), 350_000_000)
})
