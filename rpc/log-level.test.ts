import assert from 'node:assert/strict'
import { test } from 'node:test'
import { logLevelOf } from './log-level.ts'

test('the environment says how much is logged, and where it does not config.yaml does', () => {
  assert.equal(logLevelOf({}, 'warn'), 'warn')
  assert.equal(logLevelOf({ OPENRACING_LOG_LEVEL: '' }, 'warn'), 'warn')
  assert.equal(logLevelOf({ OPENRACING_LOG_LEVEL: 'silent' }, 'warn'), 'silent')
  assert.equal(logLevelOf({ OPENRACING_LOG_LEVEL: 'debug' }, 'warn'), 'debug')
})

test('a level that does not exist is refused with those that do', () => {
  assert.throws(() => logLevelOf({ OPENRACING_LOG_LEVEL: 'loud' }, 'info'), {
    code: 'CONFIG_INVALID',
    message: /OPENRACING_LOG_LEVEL is "loud"; set it to one of trace, debug, info, warn, error, fatal, silent$/,
  })
})
