import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openDatabase } from './database.ts'

const root = mkdtempSync(join(tmpdir(), 'openracing-database-'))
after(() => rmSync(root, { recursive: true }))
const newFile = (): string => join(mkdtempSync(join(root, 'rig-')), 'state.db')

const one = 'CREATE TABLE one (a INTEGER) STRICT'
const two = 'CREATE TABLE two (b INTEGER) STRICT'

test('an older database is brought up to date, and what is in it stays', () => {
  const file = newFile()
  const older = openDatabase(file, [one])
  older.exec('INSERT INTO one VALUES (7)')
  older.close()
  for (let again = 0; again < 2; again++) {
    const newer = openDatabase(file, [one, two])
    assert.deepEqual({ ...newer.prepare('SELECT a FROM one').get() }, { a: 7 })
    assert.equal(newer.prepare('SELECT b FROM two').get(), undefined)
    newer.close()
  }
})

test('a step that fails leaves the database as it was before that step', () => {
  const file = newFile()
  assert.throws(() => openDatabase(file, [one, `${two}; CREATE TABLE one (c INTEGER)`]), {
    code: 'CONFIG_INVALID',
    message: /table one already exists/,
  })
  openDatabase(file, [one, two]).close()
})

test('a database of a newer program is refused', () => {
  const file = newFile()
  openDatabase(file, [one, two]).close()
  assert.throws(() => openDatabase(file, [one]), {
    code: 'CONFIG_INVALID',
    message: /state\.db is of version 2, and this program knows 1; start the newer program/,
  })
})

test('a file that is no database, or a damaged one, is refused and stays as it is', () => {
  const file = newFile()
  const database = openDatabase(file, [one])
  database.exec(
    'INSERT INTO one WITH RECURSIVE n(a) AS (VALUES (1) UNION ALL SELECT a + 1 FROM n WHERE a < 5000) SELECT a FROM n',
  )
  database.close()
  const whole = readFileSync(file)
  const damaged = Buffer.from(whole)
  damaged.fill(0xa5, 8192, 12_288)
  for (const bytes of [
    Buffer.from('not a database, whatever its name says, and long enough for a header'.repeat(9)),
    damaged,
  ]) {
    writeFileSync(file, bytes)
    assert.throws(() => openDatabase(file, [one]), {
      code: 'CONFIG_INVALID',
      message: /state\.db (is damaged|cannot be used)/,
    })
    assert.deepEqual(readFileSync(file), bytes)
  }
  writeFileSync(file, whole)
  openDatabase(file, [one]).close()
})

test('a directory that is not there is told', () => {
  assert.throws(() => openDatabase(join(root, 'none', 'state.db'), [one]), {
    code: 'CONFIG_INVALID',
    message: /cannot be used \(unable to open database file\)/,
  })
})

test('damage in a table that is not checked keeps nobody from the others, and whoever reads it finds out', () => {
  const file = newFile()
  const database = openDatabase(file, [one, two])
  database.exec(
    'INSERT INTO one WITH RECURSIVE n(a) AS (VALUES (1) UNION ALL SELECT a + 1 FROM n WHERE a < 5000) SELECT a FROM n',
  )
  database.exec('INSERT INTO two VALUES (7)')
  const [page] = database.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'one'").all()
  database.close()
  const bytes = readFileSync(file)
  bytes.fill(0xa5, (Number(page?.rootpage) - 1) * 4096, Number(page?.rootpage) * 4096)
  writeFileSync(file, bytes)
  assert.throws(() => openDatabase(file, [one, two]), { code: 'CONFIG_INVALID', message: /state\.db is damaged/ })
  assert.throws(() => openDatabase(file, [one, two], ['two']), { code: 'CONFIG_INVALID' })
  const opened = openDatabase(file, [one, two], ['one'])
  assert.deepEqual({ ...opened.prepare('SELECT b FROM two').get() }, { b: 7 })
  assert.throws(() => opened.prepare('SELECT a FROM one').all(), /malformed/)
  opened.close()
})
