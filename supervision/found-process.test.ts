import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { inTime } from '../test/until.ts'
import { followProcess, identify, nobody } from './found-process.ts'

test('a process is known by its number and its start, also one whose name looks like the fields behind it', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'openracing-found-'))
  const program = join(directory, 'a) Z 1 (b')
  symlinkSync(process.execPath, program)
  const child = spawn(program, ['-e', "process.title = 'c) Z 2 (d'; console.log(1); process.stdin.resume()"])
  const exited = once(child, 'exit')
  await inTime('it runs', once(child.stdout, 'data'))
  const pid = child.pid as number
  assert.match(readFileSync(`/proc/${pid}/stat`, 'utf8'), /^\d+ \(.\) Z \d \(.\) /)

  const identity = identify(pid)
  const upSeconds = Number(readFileSync('/proc/uptime', 'utf8').split(' ', 1)[0])
  const age = upSeconds - identity.startTicks / 100 // Linux counts 100 ticks a second for whoever asks, on every machine
  assert.ok(age > -1 && age < 60, `it was started ${age} s ago`)
  assert.equal(followProcess({ pid, startTicks: identity.startTicks - 1 }), undefined)
  const found = followProcess(identity)
  assert.ok(found)
  found.send('SIGKILL')
  await inTime('its end is seen', Promise.all([found.exited, exited]))
  assert.deepEqual(identify(pid), nobody)
  rmSync(directory, { recursive: true, force: true })
})

test('a process that ended and that nobody has asked how is none', async () => {
  // It leaves the asking to a program that does not know of it.
  const child = spawn('sh', ['-c', 'sleep 0 & echo $!; exec cat'], { stdio: ['pipe', 'pipe', 'ignore'] })
  const [said] = (await inTime('it runs', once(child.stdout, 'data'))) as [Buffer]
  const pid = Number(said.toString())
  while (readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ') === false) await new Promise(setImmediate)
  assert.deepEqual(identify(pid), nobody)
  child.stdin.end()
  await inTime('it ended', once(child, 'exit'))
})
