import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { startProgram } from '../shm/test/program.ts'
import { shmDirectory } from '../shm/test/shm-directory.ts'
import { lockFile } from './lock.ts'

async function saysItGotIt(program: ReturnType<typeof startProgram>): Promise<boolean> {
  const stdout = program.child.stdout
  assert.ok(stdout)
  const [said] = await once(stdout, 'data')
  return String(said).trim() === 'true'
}

test('a lock belongs to one process, and is free when that one is killed', { timeout: 60_000 }, async () => {
  using directory = shmDirectory()
  const path = directory.file('lock')
  await using first = startProgram('take-lock', [path])
  assert.equal(await saysItGotIt(first), true)
  await using second = startProgram('take-lock', [path])
  assert.equal(await saysItGotIt(second), false)
  assert.equal(lockFile(path), false)

  first.child.kill('SIGKILL')
  await once(first.child, 'exit')
  assert.equal(lockFile(path), true)
  await using third = startProgram('take-lock', [path])
  assert.equal(await saysItGotIt(third), false)
})

test('a lock where there is no folder names the path', () => {
  assert.throws(() => lockFile('/dev/shm/openracing-nowhere/lock'), /ENOENT|openracing-nowhere/)
})
