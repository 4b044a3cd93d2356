import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openRigWindow } from '../../shm/rig-window.ts'
import { isAlive } from '../alive.ts'
import { until } from '../until.ts'
import { apiOf, isRunning, startNextHost, startRig, watchLoop } from './rig.ts'

test('a host that is killed takes its services along, the loop goes on, and the next host adopts it', async () => {
  await using rig = await startRig()
  const { home } = rig.rig
  const services = await rig.services()
  const window = openRigWindow(home)
  const loopPid = window.pid()
  const loop = watchLoop(home)

  process.kill(rig.rig.pid, 'SIGKILL')
  await rig.rig.exited
  await until('its services are gone', () => services.every(({ pid }) => !isAlive(pid)))
  assert.ok(isAlive(loopPid), 'the loop goes on')

  await using next = await startNextHost(home)
  const api = apiOf(home)
  await until('its plugins run', async () => (await api.plugins()).every(isRunning))
  assert.equal(window.pid(), loopPid, 'the same process runs the loop')
  const lowpass = (await api.plugins()).find(({ name }) => name === 'lowpass')
  assert.equal(lowpass?.statistics?.restarts, 0)
  assert.deepEqual(loop.gaps(), [])
  api.close()
  loop.close()
  window.close()

  next.kill('SIGTERM')
  assert.deepEqual(await next.exited, [0, null])
  assert.ok(!isAlive(loopPid), 'an orderly end takes the loop along')
  assert.ok(!existsSync(home.shmDir), 'and its shared memory')
  const sockets = readdirSync(home.runtimeDir).filter((name) => name.endsWith('.sock'))
  assert.deepEqual(sockets, [], `no socket is left in ${join(home.runtimeDir)}`)
})
