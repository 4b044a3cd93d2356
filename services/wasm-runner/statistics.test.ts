import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TickEntry } from './ledger.ts'
import { createStatistics } from './statistics.ts'

const tick = (part: Partial<TickEntry>): TickEntry => ({
  ...{ ticket: 1, cpuNs: 1000, fuel: 0, returned: true, failed: false, overBudget: false, missed: 0, lateNs: 0 },
  ...part,
})

test('the fuel of ticks that came back is told: the newest, the dearest and the mean', () => {
  const statistics = createStatistics()
  assert.deepEqual(statistics.snapshot().fuel, { last: 0n, most: 0n, mean: 0 })
  for (const fuel of [100, 500, 300]) statistics.count(tick({ fuel }))
  statistics.count(tick({ fuel: 1_000_000, returned: false }))
  assert.deepEqual(statistics.snapshot().fuel, { last: 300n, most: 500n, mean: 300 })
})

test('a tick that took too long and a loss for want of fuel are both budget violations, and each counts once', () => {
  const statistics = createStatistics()
  statistics.count(tick({ overBudget: true }))
  statistics.count(tick({ returned: false }))
  statistics.countLoss()
  statistics.countOutOfFuel()
  const { executions, failures, unreturned, budgetViolations } = statistics.snapshot()
  assert.deepEqual([executions, failures, unreturned, budgetViolations], [1n, 1n, 1n, 2n])
})
