import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ungrantedDetail } from './granted-operations.ts'
import { specOf } from './testing/specs.ts'

test('a plugin that has all of its manifest has nothing to be told', () => {
  assert.equal(ungrantedDetail(specOf()), '')
})

test('an operation that is not run is told, and what it needs', () => {
  const operations = ['TelemetryProcessor', 'LedMapper'] as const
  assert.equal(
    ungrantedDetail(specOf({ capabilities: ['ReadTelemetry'], operations })),
    'LedMapper is not run: ControlLeds is not granted',
  )
})
