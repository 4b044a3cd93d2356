import assert from 'node:assert/strict'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { startProgram } from './test/program.ts'
import { shmDirectory } from './test/shm-directory.ts'

/** What a program said, and how it ended. */
async function ended(name: string, args: readonly string[]) {
  await using program = startProgram(name, args)
  const { child } = program
  const [said, [code, signal]] = await Promise.all([text(child.stdout as NodeJS.ReadableStream), once(child, 'exit')])
  return { said, code, signal }
}

/** Of every kind of handle, after its file was cut to so many bytes under it. */
async function cut(bytes: number, ...thread: readonly string[]): Promise<unknown> {
  using directory = shmDirectory()
  const { said, code, signal } = await ended('cut-files', [directory.path, `${bytes}`, ...thread])
  assert.deepEqual([code, signal], [0, null])
  return JSON.parse(said)
}

const nothingLeft = {
  before: 'loading',
  read: '0',
  pop: 'RING_CORRUPT',
  push: 'RING_CORRUPT',
  publish: 'done',
  readAfterwards: '0',
  gone: 'zeros',
  report: 'none',
  again: 'SHARED_MEMORY_INVALID',
}

test('a file that is cut under a handle ends no process: a ring is corrupt, a value was never written, a window shows zeros', async () => {
  assert.deepEqual(await cut(0), nothingLeft)
})

test('a thread that has its own handles survives the same', async () => {
  assert.deepEqual(await cut(0, 'worker'), nothingLeft)
})

test('a file of which the beginning is left is no better: no slot of zeros is taken for one', async () => {
  // The report is in the first page.
  assert.deepEqual(await cut(4096), { ...nothingLeft, report: 'loading' })
})

test('a SIGBUS that is none of ours does what it did before, also after the thread that loaded the addon is gone', async () => {
  assert.deepEqual(await ended('signal-itself', []), { said: '', code: null, signal: 'SIGBUS' })
  assert.deepEqual(await ended('signal-itself', ['listen']), { said: 'heard\n', code: 0, signal: null })
})
