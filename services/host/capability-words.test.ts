import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openDatabase } from '../../state/database.ts'
import { auditMigration, createAuditLog } from './audit-log.ts'
import { capabilityWordsMigration, createCapabilityWords } from './capability-words.ts'
import { createPluginGoals, pluginGoalsMigration } from './plugin-goals.ts'

const root = mkdtempSync(join(tmpdir(), 'openracing-words-'))
after(() => rmSync(root, { recursive: true }))
const migrations = [auditMigration, pluginGoalsMigration, capabilityWordsMigration]
const which = { pluginId: 'p', directory: 'plugin', capability: 'FileSystem', risk: 'high' } as const
const sha256 = 'ab'.repeat(32)

function open(file: string) {
  const database = openDatabase(join(root, file), migrations)
  const audit = createAuditLog(database, () => 0)
  return { database, audit, words: createCapabilityWords(database, audit), goals: createPluginGoals(database, audit) }
}

test('what was granted and revoked, and where plugins are to get to, stands after a restart, with the log of it', () => {
  const first = open('state.db')
  first.words.grant(which, sha256.toUpperCase())
  first.words.grant({ ...which, capability: 'ProcessDsp', risk: 'medium' }, sha256)
  first.words.revoke({ ...which, capability: 'ProcessDsp', risk: 'medium' })
  first.goals.set('p', 'plugin', 'disabled')
  first.database.close()
  const second = open('state.db')
  assert.deepEqual(second.words.on('p', 'FileSystem'), { kind: 'granted', sha256 })
  assert.deepEqual(second.words.on('p', 'ProcessDsp'), { kind: 'revoked' })
  assert.equal(second.words.on('q', 'FileSystem'), undefined)
  assert.deepEqual([second.goals.of('p'), second.goals.of('q')], ['disabled', null])
  const said = second.audit.list({ kind: 'plugin', subject: 'plugin', before: 0, limit: 9 })
  assert.deepEqual(
    said.map(({ decision }) => decision),
    ['disable', 'revoke', 'grant', 'grant'],
  )
  assert.deepEqual(JSON.parse(said[3]?.evidence ?? ''), { capability: 'FileSystem', risk: 'high', sha256 })
  second.database.close()
})

test('a word that the log cannot take is not said', () => {
  const { database, words } = open('full.db')
  database.exec("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END")
  assert.throws(() => words.grant(which, sha256), /disk is full/)
  assert.equal(words.on('p', 'FileSystem'), undefined)
  assert.equal(database.prepare('SELECT count(*) AS n FROM capability_words').get()?.n, 0)
  database.close()
})

test('what somebody wrote into the tables by hand is no grant, and no goal', () => {
  const { database, audit } = open('edited.db')
  database.exec(
    `INSERT INTO capability_words VALUES ('p', 'FileSystem', 'granted', 'any'), ('p', 'Network', 'maybe', '')`,
  )
  const words = createCapabilityWords(database, audit)
  assert.deepEqual(words.on('p', 'FileSystem'), { kind: 'revoked' })
  assert.deepEqual(words.on('p', 'Network'), { kind: 'revoked' })
  database.exec(`INSERT INTO capability_words VALUES ('p', 'Everything', 'granted', '${sha256}')`)
  assert.throws(() => createCapabilityWords(database, audit), { code: 'CONFIG_INVALID', message: /"Everything"/ })
  database.exec(`INSERT INTO plugin_goals VALUES ('p', 'flying')`)
  assert.throws(() => createPluginGoals(database, audit), { code: 'CONFIG_INVALID', message: /"flying" for p/ })
  database.close()
})
