import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ViolationKind } from '../../gen/proto/openracing/v1/statistics.ts'
import { createViolations } from './violation.ts'

test('violations are counted by kind, each with its newest evidence and the time of it', () => {
  const violations = createViolations()
  assert.deepEqual(violations.snapshot(), [])
  violations.charge({ kind: 'crash', detail: 'the first' }, 1000)
  violations.charge({ kind: 'budget', detail: 'another' }, 2000)
  violations.charge({ kind: 'crash', detail: 'the second' }, 3000)
  assert.deepEqual(
    violations.snapshot().map(({ kind, count, detail, lastTimeUnixUs }) => [kind, count, detail, lastTimeUnixUs]),
    [
      [ViolationKind.VIOLATION_KIND_CRASH, 2n, 'the second', 3_000_000n],
      [ViolationKind.VIOLATION_KIND_BUDGET, 1n, 'another', 2_000_000n],
    ],
  )
})
