import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'

const page = readFileSync(new URL('security.md', import.meta.url), 'utf8')

/** The rows of the tables, cell by cell, without their headings. */
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| --- ') && !line.startsWith('| line '))
  .map((line) => line.slice(2, -2).split(' | '))

const filesIn = (text: string): readonly string[] =>
  [...text.matchAll(/`([^`]+\/[^`]+\.(?:[ch]|ts))`/g)].map(([, file]) => file as string)

test('every file that the page on security names exists', () => {
  const named = filesIn(page)
  assert.ok(named.length > 60, `${named.length} files`)
  for (const file of named) assert.ok(existsSync(new URL(`../${file}`, import.meta.url)), file)
})

test('every line of defence names where it is, and a test that shows it', () => {
  assert.ok(rows.length >= 20, `${rows.length} lines`)
  for (const [line = '', , where = '', shown = ''] of rows) {
    assert.ok(filesIn(where).length > 0, line)
    assert.ok(filesIn(shown).length > 0, line)
    for (const file of filesIn(shown)) assert.match(file, /test/, `${line}: ${file}`)
  }
})
