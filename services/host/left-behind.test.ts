import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import pino from 'pino'
import { createHome, findHome } from '../../rpc/home.ts'
import { identify } from '../../supervision/found-process.ts'
import { inTime } from '../../test/until.ts'
import { writeRoster } from '../dsp-helper/roster.ts'
import { endLeftBehind } from './left-behind.ts'

test('what the roster of a dead dsp-helper names is ended, whatever it calls itself', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'openracing-left-'))
  const home = findHome({ OPENRACING_HOME: directory })
  createHome(home)
  const child = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore'] })
  const exited = once(child, 'exit')
  await once(child, 'spawn')
  const others = [{ instance: 1, ...identify(child.pid as number) }]
  const roster = { version: 5, instances: 1, lives: 1, places: [], others, wheelRtRestarts: 0 } as const
  writeRoster(join(home.shmDir, 'roster.json'), roster)

  await inTime('everything is gone', endLeftBehind(home, pino({ level: 'silent' })))
  assert.deepEqual(await inTime('it ended', exited), [null, 'SIGKILL'])
  for (const made of [directory, home.shmDir]) rmSync(made, { recursive: true })
})
