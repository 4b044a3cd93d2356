import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createPluginSegment } from '../../shm/plugin-segment.ts'
import { sealFile } from '../../shm/sealed-file.ts'
import { shmDirectory } from '../../shm/test/shm-directory.ts'
import { buildNativePlugin } from '../../test/native-plugin.ts'
import { inTime } from '../../test/until.ts'
import { endStrays } from './strays.ts'

const wheelDsp = fileURLToPath(new URL('../../native/build/wheel-dsp', import.meta.url))

test('a process that no roster names is ended and its files are removed; what the roster names is not touched', async () => {
  using directory = shmDirectory()
  for (const instance of [7, 8]) {
    createPluginSegment(directory.file(`plugin-${instance}`))
    writeFileSync(directory.file(`config-${instance}`), '')
  }
  using library = sealFile('plugin', readFileSync(buildNativePlugin('inverts', directory.path)))
  const args = [directory.file('plugin-7'), directory.path, directory.file('config-7'), '4194304']
  const child = spawn(wheelDsp, args, { stdio: ['ignore', 'ignore', 'ignore', 'pipe', library.descriptor] })
  const exited = once(child, 'exit')
  await inTime('the plugin was ready', once(child.stdio[3] as NodeJS.ReadableStream, 'data'))

  endStrays(directory.path, new Set([8]))
  assert.deepEqual(await inTime('its process ended', exited), [null, 'SIGKILL'])
  assert.ok(!existsSync(directory.file('plugin-7')) && !existsSync(directory.file('config-7')))
  assert.ok(existsSync(directory.file('plugin-8')) && existsSync(directory.file('config-8')))
})
