import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createPluginSegment } from '../../shm/plugin-segment.ts'
import { sealFile } from '../../shm/sealed-file.ts'
import { shmDirectory } from '../../shm/test/shm-directory.ts'
import { identify } from '../../supervision/found-process.ts'
import { buildNativePlugin } from '../../test/native-plugin.ts'
import { inTime } from '../../test/until.ts'
import { endStrays } from './strays.ts'

type ShmDirectory = ReturnType<typeof shmDirectory>

const wheelDsp = fileURLToPath(new URL('../../native/build/wheel-dsp', import.meta.url))

function makeFiles(directory: ShmDirectory, instance: number): void {
  createPluginSegment(directory.file(`plugin-${instance}`))
  writeFileSync(directory.file(`config-${instance}`), '')
}

const hasFiles = (directory: ShmDirectory, instance: number): boolean =>
  existsSync(directory.file(`plugin-${instance}`)) && existsSync(directory.file(`config-${instance}`))

/** A process of the plugin `name`, ready for frames. */
async function startPlugin(name: string, directory: ShmDirectory, instance: number) {
  makeFiles(directory, instance)
  using library = sealFile('plugin', readFileSync(buildNativePlugin(name, directory.path)))
  const args = [directory.file(`plugin-${instance}`), directory.path, directory.file(`config-${instance}`), '4194304']
  const child = spawn(wheelDsp, args, { stdio: ['ignore', 'ignore', 'ignore', 'pipe', library.descriptor] })
  const exited = once(child, 'exit')
  await inTime('the plugin was ready', once(child.stdio[3] as NodeJS.ReadableStream, 'data'))
  return { known: { instance, ...identify(child.pid ?? 0) }, exited, kill: () => child.kill('SIGKILL') }
}

test('a process that no roster names is ended and its files are removed; what the roster names is not touched', async () => {
  using directory = shmDirectory()
  const stray = await startPlugin('inverts', directory, 7)
  makeFiles(directory, 8)

  endStrays(directory.path, { places: [{ instance: 8, pid: 1, startTicks: 1 }], others: [] })
  assert.deepEqual(await inTime('its process ended', stray.exited), [null, 'SIGKILL'])
  assert.ok(!hasFiles(directory, 7))
  assert.ok(hasFiles(directory, 8))
})

test('a process that was about to end is ended by its number and its start, whatever it calls itself', async () => {
  using directory = shmDirectory()
  const [leaving, adopted, later] = [
    await startPlugin('renames-itself', directory, 7),
    await startPlugin('renames-itself', directory, 8),
    await startPlugin('renames-itself', directory, 9),
  ]
  // The number of a process that ended long ago went to the last.
  const before = { ...later.known, startTicks: later.known.startTicks - 1 }

  endStrays(directory.path, { places: [adopted.known], others: [leaving.known, before] })
  assert.deepEqual(await inTime('its process ended', leaving.exited), [null, 'SIGKILL'])
  assert.ok(!hasFiles(directory, 7))
  for (const { known } of [adopted, later]) assert.equal(identify(known.pid).startTicks, known.startTicks)
  assert.ok(hasFiles(directory, 8))
  adopted.kill()
  later.kill()
  await Promise.all([adopted.exited, later.exited])
})
