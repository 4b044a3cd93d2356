import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PluginReport } from '../../shm/plugin-report.ts'
import type { SlotCounts } from '../../shm/rig-window.ts'
import {
  blameless,
  type Conduct,
  charge,
  chargeCounts,
  chargeReport,
  countUnreturned,
  unreturnedOf,
} from './conduct.ts'

const counts = (some: Partial<SlotCounts>): SlotCounts => ({
  life: 1,
  instance: 1,
  state: 'attached',
  lastResult: 0,
  sent: 0n,
  executions: 0n,
  failures: 0n,
  budgetViolations: 0n,
  missedDeadlines: 0n,
  leftOut: 0n,
  inTheWay: 0n,
  nonFinite: 0n,
  underWayNs: 0n,
  ...some,
})
const counted = (conduct: Conduct, some: Partial<SlotCounts>, nowMs = 5): Conduct =>
  chargeCounts(conduct, { counts: counts(some), longestNs: 523_400n, budgetUs: 200 }, nowMs)

const report = (some: Partial<PluginReport>): PluginReport => ({
  end: { kind: 'none', number: 0, address: 0n, value: 0n, phase: 'idle', sequence: 0, symbol: '' },
  phase: 'idle',
  sequence: 0,
  memoryBytes: 0n,
  memoryMax: 0n,
  memoryRefused: 0n,
  allocations: 0n,
  ...some,
})
const reported = (conduct: Conduct, instance: number, some: Partial<PluginReport>): Conduct =>
  chargeReport(conduct, instance, report(some), 4_194_304n, 5)

test('violations are counted by kind, and the newest is the evidence', () => {
  const crash = { kind: 'crash', phase: 'processing', sequence: 7 } as const
  const once = charge(blameless, { ...crash, detail: 'first' }, 1, 10)
  const { charges } = charge(once, { ...crash, detail: 'second' }, 1, 20)
  assert.deepEqual(charges, [{ ...crash, detail: 'second', count: 2, lastMs: 20 }])
})

test('what the loop counts is charged once, also by a helper that comes later, and a new life begins at zero', () => {
  const first = counted(blameless, { budgetViolations: 3n, failures: 2n, lastResult: -7, nonFinite: 1n })
  assert.deepEqual(
    first.charges.map(({ kind, count, detail }) => [kind, count, detail]),
    [
      ['budget', 3, 'a call used more CPU time than its 200 µs; the longest used 523.4 µs'],
      ['result', 2, 'process() returned -7, not 0'],
      ['not-finite', 1, 'process() answered with a torque that is not finite'],
    ],
  )
  const saved = JSON.parse(JSON.stringify(first)) as Conduct
  assert.deepEqual(counted(saved, { budgetViolations: 3n, failures: 2n, nonFinite: 1n }, 99).charges, first.charges)
  const next = counted(saved, { life: 2, budgetViolations: 4n })
  assert.equal(next.charges.find(({ kind }) => kind === 'budget')?.count, 7)
})

test('memory that was refused is a violation, and allocations during process() are a finding', () => {
  const first = reported(blameless, 1, { memoryRefused: 2n, allocations: 100n })
  const limit = 'it was refused memory at its limit of 4194304 bytes'
  assert.deepEqual(first.charges, [{ kind: 'memory', detail: limit, phase: null, sequence: 0, count: 2, lastMs: 5 }])
  const replaced = reported(reported(first, 2, { allocations: 5n }), 1, { memoryRefused: 2n, allocations: 101n })
  assert.equal(replaced.allocations, 106)
  assert.equal(replaced.charges[0]?.count, 2)
})

test('counters that a process makes up stay numbers', () => {
  let conduct = blameless
  for (const counter of [2n ** 64n - 1n, 0n, 2n ** 64n - 1n])
    conduct = reported(conduct, 1, { memoryRefused: counter, allocations: counter })
  assert.equal(conduct.allocations, Number.MAX_SAFE_INTEGER)
  assert.equal(conduct.charges[0]?.count, Number.MAX_SAFE_INTEGER)
})

test('who computed on after its answer, while another one was waited for, used more than its budget', () => {
  const once = counted(blameless, { inTheWay: 2n })
  assert.deepEqual(
    once.charges.map(({ kind, count, detail }) => [kind, count, detail]),
    [['budget', 2, 'it computed on after its answer, while the loop waited for another plugin']],
  )
  assert.equal(counted(once, { inTheWay: 2n }).charges[0]?.count, 2)
})

test('a call that its process did not come back from is counted in the life that it was of, and no end of another kind is', () => {
  const crash = { kind: 'crash', detail: 'it crashed', phase: 'processing', sequence: 3 } as const
  const first = countUnreturned(blameless, 1, crash) // in its first frame, before the loop's counters were looked at
  const then = countUnreturned(counted(first, { failures: 1n }), 1, { ...crash, kind: 'timeout' })
  assert.deepEqual([unreturnedOf(then, 1), unreturnedOf(then, 2)], [2, 0])
  assert.equal(counted(then, { failures: 1n }).charges.find(({ kind }) => kind === 'result')?.count, 1)
  for (const other of [
    { ...crash, phase: 'idle' } as const,
    { ...crash, phase: null },
    { ...crash, kind: 'memory' } as const,
  ]) {
    assert.equal(countUnreturned(then, 1, other), then)
  }
  assert.equal(countUnreturned(then, 2, crash), then, 'of a seat that was replaced')
  assert.equal(unreturnedOf(counted(then, { life: 2 }), 2), 0)
})
