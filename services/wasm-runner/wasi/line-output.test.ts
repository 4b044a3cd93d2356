import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lineBytesMax } from '../guest-log.ts'
import { rawWasi } from '../testing/raw-wasi.ts'
import { createLineOutput, outputBytesMax } from './line-output.ts'

function output() {
  const lines: string[] = []
  const written = createLineOutput((line) => lines.push(Buffer.from(line).toString()))
  return { lines, write: (text: string) => written.write(Buffer.from(text)), flush: written.flush }
}

test('what is written becomes lines, however it is cut into writes', () => {
  const { lines, write } = output()
  for (const part of ['one', ' line\ntwo\n', '\n\nthr', 'ee', '\n']) write(part)
  assert.deepEqual(lines, ['one line', 'two', 'three'])
})

test('a line without an end is given away when the output ends, and once', () => {
  const { lines, write, flush } = output()
  write('last words')
  assert.deepEqual(lines, [])
  flush()
  flush()
  assert.deepEqual(lines, ['last words'])
})

test('of a line that does not end only its beginning is kept', () => {
  const { lines, write } = output()
  for (let part = 0; part < 1000; part++) write('x'.repeat(1000))
  write('\nnext\n')
  assert.deepEqual(lines, ['x'.repeat(lineBytesMax), 'next'])
})

test('stdout and stderr are two, each with its level; a close gives the rest away', () => {
  const raw = rawWasi()
  raw.write(1, 'out ')
  raw.write(2, 'err\n')
  raw.write(1, 'put\nrest')
  assert.equal(raw.call('fd_close', 1), 'SUCCESS')
  assert.equal(raw.write(1, 'x'), 'BADF')
  raw.write(2, 'last')
  raw[Symbol.dispose]()
  raw[Symbol.dispose]()
  assert.deepEqual(raw.lines, ['warn err', 'info out put', 'info rest', 'warn last'])
})

test('one write takes 4 KiB of output, and says so', () => {
  using raw = rawWasi()
  assert.equal(raw.write(1, '\n'.repeat(6000)), 'SUCCESS')
  assert.equal(raw.u32(), outputBytesMax)
})

test('stdout counts as a terminal: C gives each line away at once', () => {
  using raw = rawWasi()
  assert.equal(raw.call('fd_fdstat_get', 1, raw.result), 'SUCCESS')
  assert.equal(raw.memory.readUInt8(raw.result), 2)
  assert.equal(raw.memory.readBigUInt64LE(raw.result + 8) & ((1n << 2n) | (1n << 5n)), 0n)
})
