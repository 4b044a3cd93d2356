import assert from 'node:assert/strict'
import { join, normalize } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { createEntryLedger, type EntryKind, parseEntryPath } from './archive-path.ts'

/** Names as an enemy makes them: of the parts that matter, or of any bytes. */
const nastyName = fc.oneof(
  fc
    .array(
      fc.constantFrom('..', '.', '', 'a', 'A', '/', '\\', 'C:', '\0', '\n', '~', '...', '\u202e', 'e\u0301', '\ufeff'),
      { maxLength: 12 },
    )
    .map((parts) => Buffer.from(parts.join('/'))),
  fc
    .array(fc.constantFrom('..', '/', '.', 'a', '\\', ':'), { maxLength: 12 })
    .map((parts) => Buffer.from(parts.join(''))),
  fc.uint8Array({ maxLength: 300 }),
)
const kinds = fc.constantFrom<EntryKind>('file', 'directory')

function parsed(name: Uint8Array, kind: EntryKind): string | undefined {
  try {
    return parseEntryPath(name, kind)
  } catch (cause) {
    assert.equal((cause as { readonly code?: string }).code, 'ARCHIVE_INVALID')
    assert.doesNotMatch((cause as Error).message, /\p{Cc}/u)
    return undefined
  }
}

test('a path that is taken lies below the directory, is the same on every system, and is the name that was given', () => {
  fc.assert(
    fc.property(nastyName, kinds, (name, kind) => {
      const path = parsed(name, kind)
      if (path === undefined || path === '') return
      assert.equal(normalize(path), path)
      assert.ok(join('/plugins/x', path).startsWith('/plugins/x/'))
      assert.doesNotMatch(path, /\\|^\/|^[A-Za-z]:|\p{Cc}/u)
      assert.ok(path.split('/').every((part) => part !== '..' && part !== '.' && part !== ''))
      const given = Buffer.from(name).toString()
      assert.ok([path, `./${path}`, `${path}/`, `./${path}/`].includes(given))
    }),
    { numRuns: 2000 },
  )
})

test('honest paths are taken as they are', () => {
  for (const [name, kind, path] of [
    ['plugin.yaml', 'file', 'plugin.yaml'],
    ['./plugin.yaml', 'file', 'plugin.yaml'],
    ['build/', 'directory', 'build'],
    ['./', 'directory', ''],
    ['.hidden/..two', 'file', '.hidden/..two'],
    ['ünï/\u65e5\u672c', 'file', 'ünï/\u65e5\u672c'],
  ] as const) {
    assert.equal(parseEntryPath(Buffer.from(name), kind), path)
  }
})

test('entries that were taken are different files on a file system that ignores case, too', () => {
  const path = fc.array(fc.constantFrom('a', 'A', 'b', 'ß', 'ss', '\u00e9', 'e\u0301'), { minLength: 1, maxLength: 3 })
  fc.assert(
    fc.property(fc.array(fc.tuple(path, kinds), { maxLength: 12 }), (entries) => {
      const ledger = createEntryLedger()
      const files = new Set<string>()
      const spelt = new Map<string, string>()
      for (const [parts, kind] of entries) {
        const name = parts.join('/')
        try {
          ledger.note(name, kind)
        } catch {
          return // nothing of this archive is installed
        }
        for (let depth = 1; depth <= parts.length; depth++) {
          const part = parts.slice(0, depth).join('/')
          const fold = part.normalize('NFC').toUpperCase()
          assert.equal(spelt.get(fold) ?? part, part)
          spelt.set(fold, part)
          assert.ok(!files.has(part), 'nothing is in a file, and no file is there twice')
        }
        if (kind === 'file') files.add(name)
      }
    }),
  )
})

test('the one directory that holds everything is found, and none where there are more', () => {
  const topOf = (...entries: readonly (readonly [path: string, kind: EntryKind])[]) => {
    const ledger = createEntryLedger()
    for (const [path, kind] of entries) ledger.note(path, kind)
    return ledger.top()
  }
  assert.equal(topOf(['x', 'directory'], ['x/a', 'file'], ['x/b/c', 'file']), 'x')
  assert.equal(topOf(['x/a', 'file']), 'x')
  assert.equal(topOf(['x/a', 'file'], ['y/a', 'file']), undefined)
  assert.equal(topOf(['x/a', 'file'], ['b', 'file']), undefined)
  assert.equal(topOf(['a', 'file']), undefined)
  assert.equal(topOf(), undefined)
})
