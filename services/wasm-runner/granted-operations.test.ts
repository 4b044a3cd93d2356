import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ungrantedDetail } from './granted-operations.ts'
import { specOf } from './testing/specs.ts'

test('a plugin that has all of its manifest has nothing to be told', () => {
  const fileSystem = [{ name: 'logs', path: '/logs', access: 'read' as const }]
  assert.equal(ungrantedDetail(specOf()), '')
  assert.equal(ungrantedDetail(specOf({ capabilities: ['ReadTelemetry', 'FileSystem'], fileSystem })), '')
})

test('what a plugin does not have of its manifest is told: operations that are not run, and files', () => {
  const operations = ['TelemetryProcessor', 'LedMapper'] as const
  assert.equal(
    ungrantedDetail(specOf({ capabilities: ['ReadTelemetry', 'FileSystem'], operations })),
    'LedMapper is not run: ControlLeds is not granted; it has no files: no path is granted',
  )
})
