import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Key, TrustLevel } from '../../gen/proto/openracing/v1/key.ts'
import { openDatabase } from '../../state/database.ts'
import { auditMigration, createAuditLog, verifyLog } from './audit-log.ts'
import { createKnownKeys, knownKeysMigration } from './known-keys.ts'

const { TRUST_LEVEL_TRUSTED: trusted, TRUST_LEVEL_DISTRUSTED: distrusted } = TrustLevel

const keyOf = (fingerprint: string, trustLevel: TrustLevel, reason = ''): Key => ({
  ...{ fingerprint, trustLevel, reason, identifier: 'dev', comment: '' },
  ...{ addedAt: '2024-01-15T10:30:00Z', userModifiable: true },
})

test('the audit log has every change of a key once, whenever it was made', () => {
  const database = openDatabase(':memory:', [auditMigration, knownKeysMigration])
  const audit = createAuditLog(database, () => 0)
  const changes = () =>
    audit
      .list({ kind: 'key', subject: '', before: 0, limit: 100 })
      .map(({ subject, decision, reason }) => [subject, decision, reason].join(' ').trim())
      .reverse()
  const observe = (...keys: readonly Key[]): void => createKnownKeys(database, audit).observe(keys) // a host of its own each
  observe(keyOf('a', trusted), keyOf('b', trusted))
  observe(keyOf('a', trusted), keyOf('b', trusted))
  assert.deepEqual(changes(), ['a trusted', 'b trusted'])
  observe(keyOf('a', distrusted, 'its owner lost it'))
  assert.deepEqual(changes().slice(2), ['a distrusted its owner lost it', 'b removed'])
  observe(keyOf('a', trusted), keyOf('b', trusted))
  assert.deepEqual(changes().slice(4), ['a trusted', 'b trusted'])
  assert.equal(verifyLog(database, '').kind, 'intact')
})
