import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { readTextFile } from './text-file.ts'

const directory = mkdtempSync(join(tmpdir(), 'openracing-input-'))
after(() => rmSync(directory, { recursive: true }))

const written = (name: string, content: string | Uint8Array): string => {
  const file = join(directory, name)
  writeFileSync(file, content)
  return file
}

test('a file that is not there is null, and so is one below something that is no directory', () => {
  assert.equal(readTextFile(join(directory, 'none'), 10, 'CONFIG_INVALID'), null)
  assert.equal(readTextFile(join(written('plain', ''), 'none'), 10, 'CONFIG_INVALID'), null)
})

test('a file is read up to its bound and refused beyond it', () => {
  assert.equal(readTextFile(written('ten', '0123456789'), 10, 'CONFIG_INVALID'), '0123456789')
  assert.throws(() => readTextFile(written('eleven', '01234567890'), 10, 'CONFIG_INVALID'), {
    code: 'CONFIG_INVALID',
    message: /eleven has more than 10 bytes/,
  })
})

test('a byte order mark is dropped, and bytes that are not UTF-8 are refused', () => {
  assert.equal(readTextFile(written('bom', '\ufeffa: 1'), 10, 'CONFIG_INVALID'), 'a: 1')
  assert.throws(() => readTextFile(written('latin1', Buffer.from([0x66, 0xfc])), 10, 'MANIFEST_INVALID'), {
    code: 'MANIFEST_INVALID',
    message: /is not UTF-8/,
  })
})

test('a directory or a FIFO in the place of a file is refused without waiting for a writer', () => {
  const fifo = join(directory, 'fifo')
  execFileSync('mkfifo', [fifo])
  for (const path of [fifo, directory]) {
    assert.throws(() => readTextFile(path, 10, 'CONFIG_INVALID'), { message: /is not a regular file/ })
  }
})
