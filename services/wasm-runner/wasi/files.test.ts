import assert from 'node:assert/strict'
import { readdirSync, readFileSync, readlinkSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { grantedGuest } from '../testing/granted-guest.ts'
import { type GrantedTree, grantedTree } from '../testing/granted-tree.ts'
import { allRights, type RawWasi, rawWasi, readRights } from '../testing/raw-wasi.ts'
import { openedMax } from './descriptors.ts'
import { fileBytesMax, transferBytesMax } from './file-calls.ts'

const create = { rights: allRights, oflags: 1 } as const
const [append, nonblock] = [1, 4]

const seek = (raw: RawWasi, fd: number | string, delta: bigint, whence: number): string | bigint => {
  const answer = raw.call('fd_seek', Number(fd), delta, whence, raw.result)
  return answer === 'SUCCESS' ? raw.u64() : answer
}

test('without a grant there is no directory, and nothing can be opened', () => {
  using raw = rawWasi()
  assert.equal(raw.call('fd_prestat_get', 3, raw.result), 'BADF')
  assert.equal(raw.open('hello.txt'), 'BADF')
  assert.equal(raw.open('hello.txt', { directory: 1 }), 'NOTDIR')
})

test('a directory that is granted has the name of the list, and its files are read', () => {
  using raw = grantedGuest('read')
  assert.equal(raw.call('fd_prestat_get', 3, raw.result), 'SUCCESS')
  assert.equal(raw.memory.readUInt32LE(raw.result + 4), '/granted'.length)
  assert.equal(raw.call('fd_prestat_dir_name', 3, 1024, 8), 'SUCCESS')
  assert.equal(raw.memory.toString('latin1', 1024, 1032), '/granted')
  assert.equal(raw.call('fd_prestat_dir_name', 3, 1024, 7), 'NAMETOOLONG')
  assert.equal(raw.call('fd_prestat_get', 4, raw.result), 'BADF')
  const fd = raw.open('hello.txt')
  assert.equal(raw.read(Number(fd), 5), 'hello')
  assert.equal(raw.read(Number(fd)), ' from a file\n')
  assert.equal(raw.read(Number(fd)), '')
  assert.equal(raw.read(Number(raw.open('stays'))), 'inner\n')
  assert.equal(raw.open('stays', { follow: false }), 'LOOP')
  assert.equal(raw.open('none'), 'NOENT')
})

test('a granted directory that is not there is left out, and the log says so', () => {
  using tree = grantedTree()
  const preopens = ['none', 'hello.txt', 'sub'].map((name) => ({
    name,
    path: join(tree.path, name),
    access: 'read' as const,
  }))
  using raw = rawWasi({ grants: { preopens } })
  assert.deepEqual(raw.lines, [
    'warn none was granted and cannot be opened as a directory: NOENT',
    'warn hello.txt was granted and cannot be opened as a directory: NOTDIR',
  ])
  assert.equal(raw.read(Number(raw.open('inner.txt'))), 'inner\n')
})

test('nothing is changed through a directory that is granted for reading', () => {
  using raw = grantedGuest('read')
  const name = raw.put('hello.txt')
  const other = raw.put('other', 1)
  assert.equal(raw.open('hello.txt', { rights: readRights | (1n << 6n) }), 'NOTCAPABLE')
  assert.equal(raw.open('hello.txt', { rights: readRights | (1n << 22n) }), 'NOTCAPABLE')
  assert.equal(raw.open('new', { oflags: 1 }), 'NOTCAPABLE')
  assert.equal(raw.open('hello.txt', { oflags: 8 }), 'NOTCAPABLE')
  assert.equal(raw.call('path_create_directory', 3, ...other), 'NOTCAPABLE')
  assert.equal(raw.call('path_unlink_file', 3, ...name), 'NOTCAPABLE')
  assert.equal(raw.call('path_remove_directory', 3, ...raw.put('sub', 2)), 'NOTCAPABLE')
  assert.equal(raw.call('path_rename', 3, ...name, 3, ...other), 'NOTCAPABLE')
  assert.equal(raw.call('path_link', 3, 0, ...name, 3, ...other), 'NOTCAPABLE')
  assert.equal(raw.call('path_symlink', ...name, 3, ...other), 'NOTCAPABLE')
  assert.equal(raw.call('path_filestat_set_times', 3, 0, ...name, 0n, 0n, 5), 'NOTCAPABLE')
  assert.equal(raw.call('fd_filestat_set_times', 3, 0n, 0n, 5), 'NOTCAPABLE')
  const fd = Number(raw.open('hello.txt'))
  assert.equal(raw.write(fd, 'x'), 'NOTCAPABLE')
  assert.equal(raw.call('fd_filestat_set_size', fd, 0n), 'NOTCAPABLE')
  assert.equal(raw.call('fd_allocate', fd, 0n, 100n), 'NOTCAPABLE')
  assert.equal(raw.call('fd_filestat_set_times', fd, 0n, 0n, 5), 'NOTCAPABLE')
  const inner = Number(raw.open('sub', { oflags: 2, rights: allRights, inheriting: allRights }))
  assert.equal(raw.open('inner.txt', { directory: inner, rights: allRights }), 'NOTCAPABLE')
  assert.equal(raw.call('path_unlink_file', inner, ...raw.put('inner.txt')), 'NOTCAPABLE')
  assert.equal(raw.text('hello.txt'), 'hello from a file\n')
})

test('who asks for every right to read a file, as Rust does, gets those that there are', () => {
  using raw = grantedGuest('read')
  const rust = allRights & ~((1n << 6n) | (1n << 8n) | (1n << 22n)) // all but writing
  const fd = Number(raw.open('hello.txt', { rights: rust }))
  assert.equal(raw.read(fd, 5), 'hello')
  assert.equal(raw.call('fd_fdstat_get', fd, raw.result), 'SUCCESS')
  assert.equal(raw.memory.readUInt8(raw.result), 4)
  assert.equal(raw.memory.readBigUInt64LE(raw.result + 8) & ((1n << 20n) | (1n << 23n)), 0n)
})

test('a file is made, written, read, cut and removed', () => {
  using raw = grantedGuest('read_write')
  const fd = Number(raw.open('new', create))
  assert.equal(raw.write(fd, 'first line\n'), 'SUCCESS')
  assert.equal(raw.u32(), 11)
  assert.equal(raw.text('new'), 'first line\n')
  assert.equal(seek(raw, fd, 6n, 0), 6n)
  assert.equal(raw.read(fd), 'line\n')
  assert.equal(seek(raw, fd, -5n, 1), 6n)
  assert.equal(seek(raw, fd, -1n, 2), 10n)
  assert.equal(seek(raw, fd, -20n, 2), 'INVAL')
  assert.equal(seek(raw, fd, 0n, 3), 'INVAL')
  assert.equal(seek(raw, fd, 2n ** 62n, 0), 'INVAL')
  assert.equal(raw.call('fd_tell', fd, raw.result), 'SUCCESS')
  assert.equal(raw.u64(), 10n)
  assert.equal(raw.call('fd_filestat_set_size', fd, 5n), 'SUCCESS')
  assert.equal(raw.text('new'), 'first')
  assert.equal(raw.call('fd_allocate', fd, 0n, 100n), 'SUCCESS')
  assert.equal(statSync(join(raw.tree.path, 'new')).size, 100)
  assert.equal(raw.call('fd_sync', fd), 'SUCCESS')
  assert.equal(raw.call('fd_datasync', fd), 'SUCCESS')
  assert.equal(raw.call('fd_advise', fd, 0n, 0n, 3), 'SUCCESS')
  assert.equal(raw.open('new', { ...create, oflags: 1 | 4 }), 'EXIST')
  assert.equal(raw.open('new', { ...create, oflags: 8 }), fd + 1)
  assert.equal(raw.text('new'), '')
  assert.equal(raw.call('path_unlink_file', 3, ...raw.put('new')), 'SUCCESS')
  assert.equal(raw.open('new'), 'NOENT')
})

test('reads and writes at a place leave the place of the descriptor alone', () => {
  using raw = grantedGuest('read_write')
  const fd = Number(raw.open('hello.txt', { rights: allRights }))
  raw.memory.writeUInt32LE(1024, 16)
  raw.memory.writeUInt32LE(4, 20)
  assert.equal(raw.call('fd_pread', fd, 16, 1, 6n, raw.result), 'SUCCESS')
  assert.equal(raw.memory.toString('latin1', 1024, 1028), 'from')
  raw.memory.write('FROM', 1024)
  assert.equal(raw.call('fd_pwrite', fd, 16, 1, 6n, raw.result), 'SUCCESS')
  assert.equal(raw.read(fd), 'hello FROM a file\n')
  assert.equal(raw.call('fd_pread', fd, 16, 1, -1n, raw.result), 'INVAL')
})

test('what is appended goes to the end, from the opening on or later', () => {
  using raw = grantedGuest('read_write')
  const fd = Number(raw.open('log', { ...create, fdflags: append }))
  raw.write(fd, 'one ')
  seek(raw, fd, 0n, 0)
  raw.write(fd, 'two ')
  assert.equal(raw.text('log'), 'one two ')
  assert.equal(raw.call('fd_fdstat_set_flags', fd, nonblock), 'SUCCESS')
  seek(raw, fd, 0n, 0)
  raw.write(fd, 'ONE ')
  assert.equal(raw.text('log'), 'ONE two ')
  assert.equal(raw.call('fd_fdstat_set_flags', fd, 16), 'NOTSUP')
  assert.equal(raw.call('fd_fdstat_set_flags', fd, 32), 'INVAL')
})

test('one read moves at most 64 KiB, and the next one goes on from there', () => {
  using raw = grantedGuest('read')
  const big = Buffer.alloc(3 * transferBytesMax, 'abcdefg')
  writeFileSync(join(raw.tree.path, 'big'), big)
  const fd = Number(raw.open('big'))
  // Three vectors over the same 40 000 bytes: more than a read moves.
  for (const index of [0, 1, 2]) raw.memory.writeUInt32LE(20_000, 64 + index * 8)
  for (const index of [0, 1, 2]) raw.memory.writeUInt32LE(40_000, 68 + index * 8)
  let read = 0
  for (;;) {
    assert.equal(raw.call('fd_read', fd, 64, 3, raw.result), 'SUCCESS')
    if (raw.u32() === 0) break
    assert.ok(raw.u32() <= transferBytesMax)
    read += raw.u32()
  }
  assert.equal(read, big.length)
})

test('no file grows above its bound, and a hole counts', () => {
  using raw = grantedGuest('read_write')
  const fd = Number(raw.open('new', create))
  assert.equal(raw.call('fd_filestat_set_size', fd, BigInt(fileBytesMax) + 1n), 'FBIG')
  assert.equal(raw.call('fd_filestat_set_size', fd, 2n ** 63n), 'INVAL')
  assert.equal(raw.call('fd_allocate', fd, BigInt(fileBytesMax), 1n), 'FBIG')
  seek(raw, fd, BigInt(fileBytesMax) - 1n, 0)
  assert.equal(raw.write(fd, 'xy'), 'FBIG')
  assert.equal(statSync(join(raw.tree.path, 'new')).size, 0)
  assert.equal(raw.call('fd_filestat_set_size', fd, BigInt(fileBytesMax)), 'SUCCESS')
  const end = Number(raw.open('new', { ...create, fdflags: append }))
  assert.equal(raw.write(end, 'x'), 'FBIG')
  assert.equal(raw.call('fd_pwrite', end, 16, 1, 0n, raw.result), 'FBIG')
})

test('times are set, to now, to a time, or left', () => {
  using raw = grantedGuest('read_write')
  const name = raw.put('hello.txt')
  const second = 1_000_000_000n
  assert.equal(raw.call('path_filestat_set_times', 3, 0, ...name, 1n * second, 2n * second + 5n, 1 | 4), 'SUCCESS')
  const path = join(raw.tree.path, 'hello.txt')
  assert.equal(statSync(path, { bigint: true }).mtimeNs, 2n * second + 5n)
  const fd = Number(raw.open('hello.txt', { rights: allRights }))
  assert.equal(raw.call('fd_filestat_set_times', fd, 7n * second, 0n, 1), 'SUCCESS')
  assert.equal(statSync(path, { bigint: true }).atimeNs, 7n * second)
  assert.equal(statSync(path, { bigint: true }).mtimeNs, 2n * second + 5n)
  const before = BigInt(Date.now() - 1000) * 1_000_000n
  assert.equal(raw.call('fd_filestat_set_times', fd, 0n, 0n, 8), 'SUCCESS')
  assert.ok(statSync(path, { bigint: true }).mtimeNs > before)
  assert.equal(raw.call('fd_filestat_set_times', fd, 0n, 0n, 4 | 8), 'INVAL')
  assert.equal(raw.call('fd_filestat_set_times', fd, 0n, -1n, 4), 'INVAL')
  assert.equal(raw.call('fd_filestat_set_times', fd, 0n, 0n, 16), 'INVAL')
})

test('what is asked about a file is what the system says', () => {
  using raw = grantedGuest('read')
  const path = join(raw.tree.path, 'hello.txt')
  const stat = statSync(path, { bigint: true })
  const fields = (): bigint[] => Array.from({ length: 8 }, (_, index) => raw.memory.readBigUInt64LE(4096 + index * 8))
  const expected = [stat.dev, stat.ino, 4n, stat.nlink, stat.size, stat.atimeNs, stat.mtimeNs, stat.ctimeNs]
  assert.equal(raw.call('path_filestat_get', 3, 0, ...raw.put('hello.txt'), 4096), 'SUCCESS')
  assert.deepEqual(fields(), expected)
  assert.equal(raw.call('fd_filestat_get', Number(raw.open('hello.txt')), 4096), 'SUCCESS')
  assert.deepEqual(fields(), expected)
  const typeOf = (name: string, follow: number): bigint => {
    assert.equal(raw.call('path_filestat_get', 3, follow, ...raw.put(name), 4096), 'SUCCESS')
    return fields()[2]!
  }
  assert.equal(typeOf('sub', 1), 3n)
  assert.equal(typeOf('stays', 1), 4n)
  assert.equal(typeOf('stays', 0), 7n)
  assert.equal(typeOf('leads-out', 0), 7n)
  assert.equal(typeOf('fifo', 0), 0n)
  assert.equal(raw.call('fd_filestat_get', 1, 4096), 'SUCCESS')
  assert.equal(fields()[2], 2n)
})

test('directories are made, moved and removed, and a file has two names until one is removed', () => {
  using raw = grantedGuest('read_write')
  const act = (name: Parameters<RawWasi['call']>[0], text: string): string => raw.call(name, 3, ...raw.put(text))
  const move = (from: string, to: string): string => raw.call('path_rename', 3, ...raw.put(from), 3, ...raw.put(to, 1))
  assert.equal(act('path_create_directory', 'made'), 'SUCCESS')
  assert.equal(act('path_create_directory', 'made'), 'EXIST')
  assert.equal(act('path_create_directory', 'none/made'), 'NOENT')
  assert.equal(act('path_create_directory', 'hello.txt/made'), 'NOTDIR')
  assert.equal(move('made', 'sub/moved'), 'SUCCESS')
  assert.equal(move('hello.txt', 'sub/moved'), 'ISDIR')
  assert.equal(act('path_remove_directory', 'sub'), 'NOTEMPTY')
  assert.equal(act('path_remove_directory', 'sub/moved'), 'SUCCESS')
  assert.equal(act('path_unlink_file', 'sub'), 'ISDIR')
  assert.equal(act('path_remove_directory', 'hello.txt'), 'NOTDIR')
  assert.equal(raw.call('path_link', 3, 0, ...raw.put('hello.txt'), 3, ...raw.put('second', 1)), 'SUCCESS')
  assert.equal(act('path_unlink_file', 'hello.txt'), 'SUCCESS')
  assert.equal(raw.text('second'), 'hello from a file\n')
})

test('links are read, made and followed inside', () => {
  using raw = grantedGuest('read_write')
  const target = (name: string, bytes: number): string => {
    const answer = raw.call('path_readlink', 3, ...raw.put(name), 4096, bytes, raw.result)
    return answer === 'SUCCESS' ? raw.memory.toString('latin1', 4096, 4096 + raw.u32()) : answer
  }
  assert.equal(target('stays', 64), 'sub/inner.txt')
  assert.equal(target('stays', 3), 'sub')
  assert.equal(target('hello.txt', 64), 'INVAL')
  assert.equal(raw.call('path_symlink', ...raw.put('hello.txt'), 3, ...raw.put('link', 1)), 'SUCCESS')
  assert.equal(target('link', 64), 'hello.txt')
  assert.equal(raw.read(Number(raw.open('link')), 5), 'hello')
})

test('numbers of descriptors are given again, moved, and bounded', () => {
  using raw = grantedGuest('read')
  const first = Number(raw.open('hello.txt'))
  const second = Number(raw.open('sub/inner.txt'))
  assert.equal(raw.call('fd_renumber', second, first), 'SUCCESS')
  assert.equal(raw.read(first), 'inner\n')
  assert.equal(raw.read(second), 'BADF')
  assert.equal(raw.call('fd_renumber', first, second), 'BADF')
  assert.equal(raw.call('fd_renumber', first, first), 'SUCCESS')
  assert.equal(raw.open('hello.txt'), second)
  assert.equal(raw.call('fd_close', second), 'SUCCESS')
  assert.equal(raw.call('fd_close', second), 'BADF')
  for (let opened = 1; opened < openedMax; opened++) assert.equal(typeof raw.open('hello.txt'), 'number')
  assert.equal(raw.open('hello.txt'), 'MFILE')
  assert.equal(raw.call('fd_close', first), 'SUCCESS')
  assert.equal(raw.open('hello.txt'), first)
})

test('where nothing more may be opened, nothing is made', () => {
  using raw = grantedGuest('read_write')
  for (let opened = 0; opened < openedMax; opened++) raw.open('hello.txt')
  assert.equal(raw.open('new', create), 'MFILE')
  assert.equal(raw.open('new'), 'MFILE')
  assert.throws(() => raw.text('new'), { code: 'ENOENT' })
})

test('rights are only ever given up', () => {
  using raw = grantedGuest('read_write')
  const fd = Number(raw.open('hello.txt', { rights: allRights }))
  assert.equal(raw.call('fd_fdstat_set_rights', fd, readRights & ~(1n << 14n), 0n), 'SUCCESS')
  assert.equal(raw.write(fd, 'x'), 'NOTCAPABLE')
  assert.equal(raw.read(fd, 5), 'hello')
  assert.equal(raw.call('fd_fdstat_set_rights', fd, allRights, 0n), 'NOTCAPABLE')
  assert.equal(raw.call('fd_fdstat_set_rights', fd, 1n << 63n, 0n), 'NOTCAPABLE')
  assert.equal(raw.call('fd_fdstat_set_rights', 3, 1n << 13n, readRights), 'SUCCESS')
  assert.equal(raw.open('hello.txt', { rights: allRights }), 'NOTCAPABLE')
  assert.equal(raw.call('path_create_directory', 3, ...raw.put('made')), 'NOTCAPABLE')
  assert.equal(typeof raw.open('hello.txt'), 'number')
})

test('a directory is no file, stdin is at its end, and nothing is sought in either', () => {
  using raw = grantedGuest('read_write')
  assert.equal(raw.read(3), 'ISDIR')
  assert.equal(raw.write(3, 'x'), 'ISDIR')
  assert.equal(raw.read(0), '')
  assert.equal(raw.write(0, 'x'), 'NOTCAPABLE')
  assert.equal(raw.read(1), 'NOTCAPABLE')
  assert.equal(seek(raw, 1, 0n, 1), 'SPIPE')
  assert.equal(seek(raw, 3, 0n, 1), 'ISDIR')
})

test('a directory that is opened passes on what it may', () => {
  using raw = grantedGuest('read_write')
  const inner = Number(raw.open('sub', { oflags: 2, rights: allRights, inheriting: readRights | (1n << 13n) }))
  assert.equal(raw.read(Number(raw.open('inner.txt', { directory: inner }))), 'inner\n')
  assert.equal(raw.open('inner.txt', { directory: inner, rights: allRights }), 'NOTCAPABLE')
  assert.equal(raw.open('inner.txt', { oflags: 2, directory: inner }), 'NOTDIR')
  assert.equal(raw.open('sub', { rights: allRights }), 'ISDIR')
})

test('two directories that are granted are two: names move between them, second names do not', () => {
  using tree = grantedTree()
  using other = grantedTree()
  const preopens = [
    { name: 'a', path: tree.path, access: 'read_write' as const },
    { name: 'b', path: other.path, access: 'read_write' as const },
    { name: 'c', path: other.path, access: 'read' as const },
  ]
  using raw = rawWasi({ grants: { preopens } })
  const [name, moved] = [raw.put('hello.txt'), raw.put('moved', 1)]
  assert.equal(raw.call('path_link', 3, 0, ...name, 4, ...moved), 'XDEV')
  assert.equal(raw.call('path_rename', 3, ...name, 5, ...moved), 'NOTCAPABLE')
  assert.equal(raw.call('path_rename', 5, ...name, 3, ...moved), 'NOTCAPABLE')
  assert.equal(raw.call('path_rename', 3, ...name, 4, ...moved), 'SUCCESS')
  assert.equal(readFileSync(join(other.path, 'moved'), 'utf8'), 'hello from a file\n')
})

const grants = (tree: GrantedTree, access: 'read' | 'read_write') => [{ name: '/granted', path: tree.path, access }]

/** How many descriptors this process has at or below a path. */
function openBelow(path: string): number {
  const links = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(join('/proc/self/fd', fd))
    } catch {
      return '' // that of the listing itself
    }
  })
  return links.filter((link) => link.startsWith(path)).length
}

test('a directory that is withdrawn is closed with all that was opened through it, and has its number when it is back', () => {
  using raw = grantedGuest('read_write')
  const file = Number(raw.open('hello.txt', { rights: allRights }))
  const inner = Number(raw.open('sub', { oflags: 2, rights: allRights, inheriting: allRights }))
  raw.grant([])
  assert.equal(openBelow(raw.tree.path), 0)
  assert.deepEqual([raw.read(file), raw.write(file, 'x')], ['NOTCAPABLE', 'NOTCAPABLE'])
  assert.equal(raw.call('fd_fdstat_get', file, raw.result), 'NOTCAPABLE')
  assert.equal(raw.call('fd_seek', file, 0n, 0, raw.result), 'NOTCAPABLE')
  assert.equal(raw.open('inner.txt', { directory: inner }), 'NOTCAPABLE')
  assert.equal(raw.open('hello.txt'), 'NOTCAPABLE')
  assert.equal(raw.call('path_unlink_file', 3, ...raw.put('hello.txt')), 'NOTCAPABLE')
  // Libraries that look for directories end the program at any answer but SUCCESS and BADF.
  assert.equal(raw.call('fd_prestat_get', 3, raw.result), 'SUCCESS')
  assert.equal(raw.call('fd_close', file), 'SUCCESS')
  assert.equal(raw.read(file), 'BADF')

  raw.grant(grants(raw.tree, 'read_write'))
  assert.equal(raw.open('inner.txt', { directory: inner }), 'NOTCAPABLE', 'what was closed stays closed')
  assert.equal(raw.read(Number(raw.open('hello.txt')), 5), 'hello')
  assert.equal(raw.call('path_unlink_file', 3, ...raw.put('hello.txt')), 'SUCCESS')
})

test('a directory that is granted for reading only from now on is read on, and what is open in it is not written', () => {
  using raw = grantedGuest('read_write')
  const file = Number(raw.open('hello.txt', { rights: allRights }))
  const inner = Number(raw.open('sub', { oflags: 2, rights: allRights, inheriting: allRights }))
  raw.grant(grants(raw.tree, 'read'))
  assert.equal(raw.read(file, 5), 'hello')
  assert.equal(raw.write(file, 'x'), 'NOTCAPABLE')
  assert.equal(raw.call('fd_filestat_set_size', file, 0n), 'NOTCAPABLE')
  assert.equal(raw.call('path_unlink_file', 3, ...raw.put('hello.txt')), 'NOTCAPABLE')
  assert.equal(raw.call('path_unlink_file', inner, ...raw.put('inner.txt')), 'NOTCAPABLE')
  assert.equal(raw.open('inner.txt', { directory: inner, rights: allRights }), 'NOTCAPABLE')
  assert.equal(raw.read(Number(raw.open('inner.txt', { directory: inner }))), 'inner\n')
  raw.grant(grants(raw.tree, 'read_write'))
  assert.equal(raw.write(file, 'x'), 'NOTCAPABLE', 'what was opened before keeps what it was left')
  assert.equal(raw.open('hello.txt', { rights: allRights }), file + 3)
})

test('terms that leave a directory as it is leave what a guest did to its descriptors', () => {
  using raw = grantedGuest('read_write')
  assert.equal(raw.call('fd_fdstat_set_rights', 3, 1n << 13n, readRights), 'SUCCESS')
  raw.grant(grants(raw.tree, 'read_write'))
  assert.equal(raw.call('path_unlink_file', 3, ...raw.put('hello.txt')), 'NOTCAPABLE')
  assert.equal(raw.call('fd_close', 3), 'SUCCESS')
  raw.grant([])
  raw.grant(grants(raw.tree, 'read_write'))
  assert.equal(raw.open('hello.txt'), 'BADF', 'what it closed itself does not come back')
})

test('a directory that is gone when it is granted again stays withdrawn, and the log says so', () => {
  using raw = grantedGuest('read')
  raw.grant([])
  renameSync(raw.tree.path, `${raw.tree.path}-gone`)
  raw.grant(grants(raw.tree, 'read'))
  assert.deepEqual(raw.lines, ['warn /granted was granted and cannot be opened as a directory: NOENT'])
  assert.equal(raw.open('hello.txt'), 'NOTCAPABLE')
})
