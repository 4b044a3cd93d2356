import assert from 'node:assert/strict'
import { existsSync, linkSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { grantedGuest } from '../testing/granted-guest.ts'
import { secret } from '../testing/granted-tree.ts'
import { allRights, type RawWasi, rawWasi, readRights } from '../testing/raw-wasi.ts'

/** Ways out of a tree that grantedTree() made. `outside`: the directory beside it. */
const waysOut = (outside: string): readonly string[] => [
  ...['..', '../', '../.', './..', 'sub/../..', 'sub/../../granted/..', '../outside', '../outside/secret'],
  ...['sub/../../outside/secret', './/..//outside/secret', '../granted/hello.txt', 'sub/./.././../outside/secret'],
  ...['/', '//', '/etc/passwd', '/proc/self/environ', outside, join(outside, 'secret')],
  ...['leads-out', 'leads-out-dir', 'leads-out-dir/', 'leads-out-dir/secret', 'leads-out-dir/../outside/secret'],
  ...['leads-out-dir/.', 'sub/../leads-out', 'absolute', 'proc', 'proc-fd', 'proc-fd/0', 'proc-fd/0/..'],
]

/** All that is outside is as it was. */
function checkOutside(outside: string): void {
  assert.deepEqual(readdirSync(outside), ['secret'])
  assert.equal(readFileSync(join(outside, 'secret'), 'utf8'), secret)
  assert.equal(statSync(join(outside, 'secret')).nlink, 1)
}

test('no path that leads out is opened, read or made, whatever it is opened for', () => {
  using raw = grantedGuest('read_write')
  for (const path of waysOut(raw.tree.outside)) {
    for (const oflags of [0, 1, 2, 8, 1 | 4, 1 | 8]) {
      for (const rights of [readRights, allRights]) {
        const opened = raw.open(path, { oflags, rights })
        assert.match(String(opened), /^[A-Z]+$/, `${path} with ${oflags}`)
        if (oflags === 0) assert.equal(opened, 'NOTCAPABLE', path)
      }
    }
  }
  checkOutside(raw.tree.outside)
})

test('no path that leads out is asked about, but a link itself', () => {
  using raw = grantedGuest('read_write')
  for (const path of waysOut(raw.tree.outside)) {
    const stat = (follow: number): string => raw.call('path_filestat_get', 3, follow, ...raw.put(path), 4096)
    assert.equal(stat(1), 'NOTCAPABLE', path)
    const isLink = /^(sub\/\.\.\/)?(leads-out(-dir)?|absolute|proc|proc-fd)$/.test(path)
    assert.equal(stat(0), isLink ? 'SUCCESS' : 'NOTCAPABLE', path)
    const times = raw.call('path_filestat_set_times', 3, 1, ...raw.put(path), 0n, 0n, 5)
    assert.equal(times, 'NOTCAPABLE', path)
    const target = raw.call('path_readlink', 3, ...raw.put(path), 4096, 64, raw.result)
    assert.equal(target, isLink ? 'SUCCESS' : 'NOTCAPABLE', path)
  }
})

test('nothing is made, moved, linked or removed outside, from there or to there', () => {
  using raw = grantedGuest('read_write')
  const { outside } = raw.tree
  const targets = [...waysOut(outside), '../outside/new', 'leads-out-dir/new', join(outside, 'new')]
  for (const path of targets) {
    const isLink = /^(sub\/\.\.\/)?(leads-out(-dir)?|absolute|proc|proc-fd)\/?$/.test(path)
    if (isLink) continue // the link is the guest's: it may remove and move that
    const [there, here] = [raw.put(path), raw.put('hello.txt', 1)]
    const refused = (answer: string): void => assert.match(answer, /^(NOTCAPABLE|BUSY|EXIST|NOENT)$/, path)
    refused(raw.call('path_create_directory', 3, ...there))
    refused(raw.call('path_remove_directory', 3, ...there))
    refused(raw.call('path_unlink_file', 3, ...there))
    refused(raw.call('path_rename', 3, ...there, 3, ...raw.put('stolen', 2)))
    refused(raw.call('path_rename', 3, ...here, 3, ...there))
    refused(raw.call('path_link', 3, 0, ...there, 3, ...raw.put('stolen', 2)))
    refused(raw.call('path_link', 3, 0, ...here, 3, ...there))
    refused(raw.call('path_symlink', ...here, 3, ...there))
  }
  checkOutside(outside)
  assert.ok(!existsSync(join(raw.tree.path, 'stolen')))
  assert.ok(existsSync(join(raw.tree.path, 'hello.txt')))
})

test('a directory inside is a world of its own: its descriptor does not lead up, not even to what was granted', () => {
  using raw = grantedGuest('read_write')
  const directory = Number(raw.open('sub', { oflags: 2, rights: allRights, inheriting: allRights }))
  for (const path of ['..', '../hello.txt', '../../outside/secret', '../leads-out', '/']) {
    assert.equal(raw.open(path, { directory }), 'NOTCAPABLE', path)
  }
})

test('no link is made that is absolute or leads up, and one by way of another leads nowhere', () => {
  using raw = grantedGuest('read_write')
  const link = (target: string, name: string): string =>
    raw.call('path_symlink', ...raw.put(target), 3, ...raw.put(name, 1))
  for (const target of [
    '/',
    '/etc/passwd',
    '..',
    '../outside',
    'sub/../../outside',
    'a/..',
    './..',
    raw.tree.outside,
  ]) {
    assert.equal(link(target, 'link'), 'NOTCAPABLE', target)
  }
  assert.equal(link('leads-out', 'by-way'), 'SUCCESS')
  assert.equal(raw.open('by-way'), 'NOTCAPABLE')
  assert.equal(link('leads-out-dir', 'by-way-dir'), 'SUCCESS')
  assert.equal(raw.open('by-way-dir/secret'), 'NOTCAPABLE')
})

test('a link that leads out may be renamed and gets no other name that follows it', () => {
  using raw = grantedGuest('read_write')
  assert.equal(raw.call('path_rename', 3, ...raw.put('leads-out'), 3, ...raw.put('sub/moved', 1)), 'SUCCESS')
  assert.equal(raw.open('sub/moved'), 'NOENT') // from there it leads to what was granted, and there is no such thing
  assert.equal(raw.call('path_link', 3, 1, ...raw.put('absolute'), 3, ...raw.put('second', 1)), 'INVAL')
  assert.equal(raw.call('path_link', 3, 0, ...raw.put('absolute'), 3, ...raw.put('second', 1)), 'SUCCESS')
  assert.equal(raw.open('second'), 'NOTCAPABLE')
  checkOutside(raw.tree.outside)
})

test('a FIFO is neither opened nor waited for', () => {
  using raw = grantedGuest('read_write')
  for (const rights of [readRights, allRights, 1n << 6n]) {
    assert.match(String(raw.open('fifo', { rights })), /^(NOTSUP|NXIO)$/)
  }
})

test('what another program put there under a second name is inside: a hard link is not a way out of a guest', () => {
  using raw = grantedGuest('read_write')
  linkSync(join(raw.tree.outside, 'secret'), join(raw.tree.path, 'second'))
  assert.equal(raw.read(Number(raw.open('second'))), secret)
})

test('/proc cannot be granted, and is not beneath anything', () => {
  const preopens = ['/proc', '/proc/self', '/'].map((path) => ({ name: path, path, access: 'read' as const }))
  using raw = rawWasi({ grants: { preopens } })
  assert.deepEqual(raw.lines, [
    'warn /proc was granted and cannot be opened as a directory: PERM',
    'warn /proc/self was granted and cannot be opened as a directory: PERM',
  ])
  for (const path of ['proc/self/environ', 'proc/1/environ', 'proc/self/fd/0', 'proc/self/root/etc/passwd']) {
    assert.equal(raw.open(path), 'NOTCAPABLE', path)
  }
})

/** Turns `sub` into a link that leads out and back, without end, and counts how often. */
const swapper = `
  const { workerData } = require('node:worker_threads')
  const { renameSync, symlinkSync, unlinkSync } = require('node:fs')
  const { path, counts } = workerData
  while (Atomics.load(counts, 1) === 0) {
    renameSync(path + '/sub', path + '/away')
    symlinkSync('../outside', path + '/sub')
    unlinkSync(path + '/sub')
    renameSync(path + '/away', path + '/sub')
    Atomics.add(counts, 0, 1)
  }`

/** Opens, makes and removes below `sub` while it is swapped; counts what was opened inside and what was refused. */
function race(raw: RawWasi): { opened: number; refused: number } {
  const result = { opened: 0, refused: 0 }
  for (const path of ['sub/secret', 'sub/../sub/secret', 'sub/./secret']) {
    const fd = raw.open(path)
    if (typeof fd === 'string') {
      result.refused++
      continue
    }
    result.opened++
    assert.equal(raw.read(fd), 'inside')
    raw.call('fd_close', fd)
  }
  raw.call('path_create_directory', 3, ...raw.put('sub/made'))
  raw.call('path_rename', 3, ...raw.put('sub/made'), 3, ...raw.put('sub/moved', 1))
  raw.call('path_remove_directory', 3, ...raw.put('sub/moved'))
  raw.call('path_remove_directory', 3, ...raw.put('sub/made'))
  return result
}

test('a directory that turns into a link and back thousands of times never gives away a byte from outside', async () => {
  using raw = grantedGuest('read_write')
  const { path, outside } = raw.tree
  const fd = Number(raw.open('sub/secret', { rights: allRights, oflags: 1 }))
  raw.write(fd, 'inside')
  const counts = new Int32Array(new SharedArrayBuffer(8))
  const worker = new Worker(swapper, { eval: true, workerData: { path, counts } })
  const sum = { opened: 0, refused: 0 }
  try {
    while (Atomics.load(counts, 0) < 5000 || sum.opened < 1000 || sum.refused < 1000) {
      const { opened, refused } = race(raw)
      sum.opened += opened
      sum.refused += refused
      if (Atomics.load(counts, 0) === 0) await new Promise(setImmediate)
    }
  } finally {
    Atomics.store(counts, 1, 1)
    await new Promise((resolve) => worker.once('exit', resolve))
  }
  checkOutside(outside)
})
