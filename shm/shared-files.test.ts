import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { pluginSegmentBytes } from '../gen/layout.ts'
import { RigError } from '../rpc/failure.ts'
import { openLatest } from './latest.ts'
import { createPluginSegment } from './plugin-segment.ts'
import { openRingReader, openRingWriter } from './ring.ts'
import { shmDirectory } from './test/shm-directory.ts'
import { openWindow } from './window.ts'

/** Every way to open a file, with the bytes that each expects. */
const openings: readonly [what: string, bytes: number, open: (path: string) => unknown][] = [
  ['the writing side of a ring', 192 + 64 * 16, (path) => openRingWriter(path, 64, 16)],
  ['the reading side of a ring', 192 + 64 * 16, (path) => openRingReader(path, 64, 16)],
  ['a value', 128 + 4 * 64, (path) => openLatest(path, 64)],
  ['a window', 64, (path) => openWindow(path, 64)],
  ['a plugin segment', pluginSegmentBytes, createPluginSegment],
]

function refused(open: () => unknown, path: string, remedy: RegExp): void {
  assert.throws(open, (error) => {
    assert.ok(error instanceof RigError)
    assert.equal(error.code, 'SHARED_MEMORY_INVALID')
    assert.ok(error.detail.includes(path), error.detail)
    assert.match(error.detail, remedy)
    return true
  })
}

const made = /made by another version; end every process of this rig and remove it/

for (const [what, bytes, open] of openings) {
  test(`${what} refuses a truncated, longer or foreign file and says what to do`, () => {
    using directory = shmDirectory()
    const path = directory.file('file')
    for (const length of [0, bytes - 1, bytes + 1, bytes * 2]) {
      writeFileSync(path, Buffer.alloc(length))
      refused(() => open(path), path, made)
    }
    if (what === 'a window') return // it knows only the size
    for (const fill of [0x00, 0xff, 0x41]) {
      writeFileSync(path, Buffer.alloc(bytes, fill))
      refused(() => open(path), path, made)
    }
  })

  test(`${what} refuses a folder, a link and a FIFO without waiting`, { timeout: 10_000 }, () => {
    using directory = shmDirectory()
    mkdirSync(directory.file('folder'))
    refused(() => open(directory.file('folder')), directory.file('folder'), /cannot be opened|another version/)
    writeFileSync(directory.file('target'), Buffer.alloc(bytes))
    symlinkSync(directory.file('target'), directory.file('link'))
    refused(() => open(directory.file('link')), directory.file('link'), /cannot be opened/)
    execFileSync('mkfifo', [directory.file('fifo')])
    refused(() => open(directory.file('fifo')), directory.file('fifo'), made)
  })
}

test('a ring of another geometry and a value of another size are refused', () => {
  using directory = shmDirectory()
  openRingWriter(directory.file('ring'), 64, 16).close()
  refused(() => openRingReader(directory.file('ring'), 32, 32), directory.file('ring'), made) // the same bytes in all
  openLatest(directory.file('value'), 64).close()
  refused(() => openLatest(directory.file('value'), 56), directory.file('value'), made) // the same bytes in all
})

test('a file that was truncated after it was made is refused by the next one', () => {
  using directory = shmDirectory()
  openRingWriter(directory.file('ring'), 64, 16).close()
  truncateSync(directory.file('ring'), 100)
  refused(() => openRingWriter(directory.file('ring'), 64, 16), directory.file('ring'), made)
})

test('a file of another user is PERMISSION_DENIED', {
  skip: process.getuid?.() === 0 ? 'root may open everything' : false,
}, () => {
  using directory = shmDirectory()
  writeFileSync(directory.file('value'), Buffer.alloc(384))
  chmodSync(directory.file('value'), 0o000)
  assert.throws(() => openLatest(directory.file('value'), 64), { code: 'PERMISSION_DENIED' })
})

test('a window onto nothing says so', () => {
  using directory = shmDirectory()
  refused(() => openWindow(directory.file('none'), 64), directory.file('none'), /cannot be opened/)
})
