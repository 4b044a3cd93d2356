import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openDatabase } from '../../state/database.ts'
import { openAuditChecks } from './audit-check.ts'
import { auditMigration, createAuditLog } from './audit-log.ts'

const root = mkdtempSync(join(tmpdir(), 'openracing-audit-check-'))
after(() => rmSync(root, { recursive: true }))
const nobodyCancels = new AbortController().signal

function openLog(entries: number) {
  const file = join(mkdtempSync(join(root, 'rig-')), 'state.db')
  const database = openDatabase(file, [auditMigration])
  database.exec('PRAGMA synchronous = OFF') // a test need not outlive the machine
  const audit = createAuditLog(database, () => 1000)
  const append = () =>
    audit.append({ kind: 'key', subject: 's', decision: 'd', reason: 'r', evidence: { text: 'e'.repeat(300) } })
  database.exec('BEGIN')
  for (let entry = 0; entry < entries; entry++) append()
  database.exec('COMMIT')
  return { database, append, checks: openAuditChecks(file) }
}

test('the host goes on and appends while the log is read, and what is read is the log of one moment', async () => {
  const { append, checks } = openLog(20_000)
  const reading = checks.verify('', nobodyCancels)
  let done = false
  void reading.then(() => {
    done = true
  })
  let turns = 0
  while (!done) {
    append()
    turns++
    await new Promise((resolve) => setImmediate(resolve))
  }
  const verdict = await reading
  assert.ok(turns > 10, `the host had ${turns} turns`)
  assert.ok(verdict.kind === 'intact' && verdict.entries >= 20_000 && verdict.entries <= 20_000 + turns)
  const next = await checks.verify(verdict.head, nobodyCancels)
  assert.equal(next.kind === 'intact' && next.entries, 20_000 + turns)
  await checks.close()
})

test('a log that was changed is found out, and so is an end that was cut off', async () => {
  const { database, append, checks } = openLog(3)
  const { hash } = append()
  assert.equal((await checks.verify(hash, nobodyCancels)).kind, 'intact')
  database.exec('DROP TRIGGER audit_no_delete; DELETE FROM audit WHERE number = 4')
  assert.match(JSON.stringify(await checks.verify(hash, nobodyCancels)), /the end was cut off/)
  database.exec(`DROP TRIGGER audit_no_update; UPDATE audit SET reason = 'other' WHERE number = 2`)
  assert.deepEqual(await checks.verify('', nobodyCancels), {
    ...{ kind: 'broken', number: 2, why: 'it was changed after it was written' },
  })
  await checks.close()
})

test('who waits no more, or a host that ends, has no thread left that reads', async () => {
  const { checks } = openLog(20_000)
  const gone = new AbortController()
  const first = checks.verify('', gone.signal)
  const second = checks.verify('', nobodyCancels)
  gone.abort()
  await assert.rejects(first, { code: 'SERVICE_UNAVAILABLE', message: /was not read to its end/ })
  assert.equal((await second).kind, 'intact')
  const third = checks.verify('', nobodyCancels)
  await Promise.all([checks.close(), checks.close(), assert.rejects(third, { code: 'SERVICE_UNAVAILABLE' })])
  await assert.rejects(checks.verify('', nobodyCancels), { code: 'SERVICE_UNAVAILABLE' })
})
