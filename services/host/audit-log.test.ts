import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openDatabase } from '../../state/database.ts'
import type { Decided } from './audit-chain.ts'
import { auditMigration, createAuditLog, verifyLog } from './audit-log.ts'

const root = mkdtempSync(join(tmpdir(), 'openracing-audit-'))
after(() => rmSync(root, { recursive: true }))

const everything = { kind: '', subject: '', before: 0, limit: 100 } as const

function openLog(file = join(mkdtempSync(join(root, 'rig-')), 'state.db')) {
  const database = openDatabase(file, [auditMigration])
  let nowMs = 1000
  return { file, database, audit: createAuditLog(database, () => nowMs++) }
}

const about = (subject: string, kind: Decided['kind'] = 'artefact'): Decided => ({
  ...{ kind, subject, decision: 'load', reason: 'because' },
  evidence: { sha256: 'ab' },
})

test('what is appended is listed newest first, by kind, by subject and page by page', () => {
  const { audit } = openLog()
  for (const subject of ['a', 'b', 'a']) audit.append(about(subject))
  audit.append(about('a', 'key'))
  const numbers = (query: object) => audit.list({ ...everything, ...query }).map(({ number }) => number)
  assert.deepEqual(numbers({}), [4, 3, 2, 1])
  assert.deepEqual(numbers({ subject: 'a' }), [4, 3, 1])
  assert.deepEqual(numbers({ subject: 'a', kind: 'artefact' }), [3, 1])
  assert.deepEqual(numbers({ limit: 2 }), [4, 3])
  assert.deepEqual(numbers({ before: 3, limit: 2 }), [2, 1])
  assert.equal(audit.list(everything)[0]?.atMs, 1003)
})

test('the chain goes on where the process before this one ended', () => {
  const first = openLog()
  first.audit.append(about('a'))
  const head = first.audit.append(about('b')).hash
  first.database.close()
  const { audit, database } = openLog(first.file)
  assert.equal(audit.append(about('c')).previousHash, head)
  assert.deepEqual(verifyLog(database, '').kind, 'intact')
  assert.deepEqual(verifyLog(database, head).kind, 'intact')
})

test('the table takes no change and no deletion, and who forces one is found out', () => {
  const { audit, database } = openLog()
  for (const subject of ['a', 'b', 'c']) audit.append(about(subject))
  assert.throws(() => database.exec(`UPDATE audit SET reason = 'other' WHERE number = 2`), /append-only/)
  assert.throws(() => database.exec('DELETE FROM audit WHERE number = 2'), /append-only/)
  for (const number of [3, 5]) {
    const row = `INSERT OR REPLACE INTO audit VALUES (${number}, 0, 'key', '', '', '', '', '', '')`
    assert.throws(() => database.exec(row), /append-only/)
  }
  assert.equal(verifyLog(database, '').kind, 'intact')
  database.exec(`DROP TRIGGER audit_no_update; UPDATE audit SET reason = 'other' WHERE number = 2`)
  assert.deepEqual(verifyLog(database, ''), { kind: 'broken', number: 2, why: 'it was changed after it was written' })
})

test('a row that cannot be read is told as one that was changed', () => {
  const { audit, database } = openLog()
  audit.append(about('a'))
  database.exec('DROP TRIGGER audit_no_update; UPDATE audit SET at_ms = 9223372036854775807')
  const verdict = verifyLog(database, '')
  assert.ok(verdict.kind === 'broken' && /cannot be read/.test(verdict.why), JSON.stringify(verdict))
})
