import assert from 'node:assert/strict'
import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { grantedGuest } from '../testing/granted-guest.ts'
import type { RawWasi } from '../testing/raw-wasi.ts'

interface Listed {
  readonly name: string
  readonly type: number
  readonly next: bigint
  readonly inode: bigint
}

/** Lists a directory with a buffer of so many bytes, as a library does. */
function list(raw: RawWasi, fd: number, bytes: number): Listed[] {
  const found: Listed[] = []
  for (let cookie = 0n; ; ) {
    assert.equal(raw.call('fd_readdir', fd, 8192, bytes, cookie, raw.result), 'SUCCESS')
    const used = raw.u32()
    for (let at = 8192; at + 24 <= 8192 + used; ) {
      const length = raw.memory.readUInt32LE(at + 16)
      if (at + 24 + length > 8192 + used) break
      const next = raw.memory.readBigUInt64LE(at)
      const inode = raw.memory.readBigUInt64LE(at + 8)
      const name = raw.memory.toString('utf8', at + 24, at + 24 + length)
      found.push({ name, type: raw.memory.readUInt8(at + 20), next, inode })
      cookie = next
      at += 24 + length
    }
    if (used < bytes) return found
  }
}

test('a directory is listed with buffers of any size, and from any place', () => {
  using raw = grantedGuest('read')
  mkdirSync(join(raw.tree.path, 'many'))
  const names = Array.from({ length: 500 }, (_, index) => `file-${index}`)
  for (const name of names) writeFileSync(join(raw.tree.path, 'many', name), '')
  const fd = Number(raw.open('many', { oflags: 2 }))
  const all = list(raw, fd, 32_768)
  assert.deepEqual(all.map(({ name }) => name).sort(), ['.', '..', ...names].sort())
  for (const bytes of [64, 100, 1024, 4096]) assert.deepEqual(list(raw, fd, bytes), all, `${bytes}`)
  const [, , third, fourth] = all
  assert.equal(raw.call('fd_readdir', fd, 8192, 64, third!.next, raw.result), 'SUCCESS')
  assert.equal(raw.memory.readBigUInt64LE(8192), fourth!.next)
})

test('a listing tells kinds, and nothing of the directory above the granted one', () => {
  using raw = grantedGuest('read')
  const listed = list(raw, 3, 4096)
  const types = Object.fromEntries(listed.map(({ name, type }) => [name, type]))
  assert.equal(types['hello.txt'], 4)
  assert.equal(types.sub, 3)
  assert.equal(types.stays, 7)
  const own = statSync(raw.tree.path, { bigint: true }).ino
  for (const name of ['.', '..']) assert.equal(listed.find((each) => each.name === name)?.inode, own)
})

test('a place that no listing gave, and a buffer that is too large, are refused or at the end', () => {
  using raw = grantedGuest('read')
  assert.equal(raw.call('fd_readdir', 3, 0, 64, -1n, raw.result), 'INVAL')
  assert.match(raw.call('fd_readdir', 3, 8192, 64, 2n ** 62n, raw.result), /SUCCESS|INVAL/)
  assert.equal(raw.call('fd_readdir', 3, 0, 65_536, 0n, raw.result), 'SUCCESS')
  assert.equal(raw.call('fd_readdir', 3, 0, 0, 0n, raw.result), 'SUCCESS')
  assert.equal(raw.call('fd_readdir', 1, 0, 64, 0n, raw.result), 'NOTDIR')
})
