import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, truncateSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { addon } from '../native/addon.ts'
import { shmDirectory } from './test/shm-directory.ts'
import { openWords } from './words.ts'

const words = fileURLToPath(new URL('words.ts', import.meta.url))

test('what a process stored is there when it was killed', () => {
  using directory = shmDirectory()
  const path = directory.file('words')
  const script = `import(${JSON.stringify(words)}).then(({ openWords }) => {
    openWords(${JSON.stringify(path)}, 64)[3] = 7
    process.kill(process.pid, 'SIGKILL')
  })`
  assert.equal(spawnSync(process.execPath, ['-e', script]).signal, 'SIGKILL')
  assert.deepEqual([...openWords(path, 64).subarray(2, 5)], [0, 7, 0])
})

test('a thread that is ended takes the words of nobody else with it', async () => {
  using directory = shmDirectory()
  const path = directory.file('words')
  const mine = openWords(path, 64)
  const script = `import(${JSON.stringify(words)}).then(({ openWords }) => {
    openWords(${JSON.stringify(path)}, 64)[0] = 9
    require('node:worker_threads').parentPort.postMessage('stored')
    setInterval(() => {}, 1000)
  })`
  const worker = new Worker(script, { eval: true })
  await once(worker, 'message')
  await worker.terminate()
  assert.equal(mine[0], 9)
  mine[0] = 1
  assert.equal(openWords(path, 64)[0], 1)
})

test('words of a file that was cut read as zeros, and what is written there goes nowhere', () => {
  using directory = shmDirectory()
  const path = directory.file('words')
  const mine = openWords(path, 64)
  mine[0] = 9
  truncateSync(path, 0)
  assert.equal(mine[0], 0)
  mine[1] = 1
})

test('a size that is none, a file of another size and what is no file are refused', () => {
  using directory = shmDirectory()
  for (const bytes of [0, 4, 65_544, 1.5]) {
    assert.throws(() => openWords(directory.file('words'), bytes), TypeError)
  }
  assert.throws(() => addon.wordsOpen(7 as never, 64), TypeError)
  openWords(directory.file('words'), 64)
  assert.throws(() => openWords(directory.file('words'), 128), { code: 'SHARED_MEMORY_INVALID' })
  mkdirSync(directory.file('folder'))
  assert.throws(() => openWords(directory.file('folder'), 64), { code: 'SHARED_MEMORY_INVALID' })
})
