import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = new URL('../', import.meta.url)
const read = (file: string): string => readFileSync(new URL(file, root), 'utf8')
const page = read('docs/security.md')

/** The rows of the tables, cell by cell, without their headings. */
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| --- ') && !line.startsWith('| line '))
  .map((line) => line.slice(2, -2).split(' | '))

const filesIn = (text: string): readonly string[] =>
  [...text.matchAll(/`([^`]+\/[^`]+\.(?:[ch]|ts))`/g)].map(([, file]) => file as string)

const isTest = (file: string): boolean => file.includes('test')

/** What the product is made of: its text by file, and how its C is put together. */
const product = new Map(
  [...globSync('{native,network,services}/**/*.{ts,c,h}', { cwd: fileURLToPath(root) }), 'native/Makefile']
    .filter((file) => !isTest(file))
    .map((file) => [file, read(file)]),
)

test('every file that the page on security names exists', () => {
  const named = filesIn(page)
  assert.ok(named.length > 60, `${named.length} files`)
  for (const file of named) assert.ok(existsSync(new URL(file, root)), file)
})

test('every line of defence names where it is, and a test that shows it', () => {
  assert.ok(rows.length >= 20, `${rows.length} lines`)
  for (const [line = '', , where = '', shown = ''] of rows) {
    assert.ok(filesIn(where).length > 0, line)
    assert.ok(filesIn(shown).length > 0, line)
    for (const file of filesIn(shown)) assert.match(file, /test/, `${line}: ${file}`)
  }
})

test('every source that the page names is used by another one: what nothing runs keeps nothing in', () => {
  for (const file of filesIn(page).filter((each) => !isTest(each))) {
    const mention = file.endsWith('.ts')
      ? `/${RegExp.escape(basename(file, '.ts'))}(\\.ts'|\\$\\{)` // imported, or a thread
      : `[\\s"]${RegExp.escape(basename(file))}[\\s"]` // compiled, or included
    assert.ok(
      [...product].some(([other, text]) => other !== file && new RegExp(mention).test(text)),
      file,
    )
  }
})

test('every test that the page names has something to say, and is run', () => {
  for (const file of filesIn(page).filter(isTest)) {
    const text = read(file)
    if (file.endsWith('.ts')) {
      assert.match(text, /^ *(await )?test\(/m, file)
      continue
    }
    const name = basename(file, '.c')
    assert.match(text, /static const Test tests\[\] = \{[^;]*?\{"/, file)
    assert.ok(text.includes(`RUN("${name}", tests);`), file)
    assert.match(
      product.get('native/Makefile') ?? '',
      new RegExp(`^\\w+ = (.* )?${name.replace('_test', '')}( .*)?$`, 'm'),
      file,
    )
  }
})
