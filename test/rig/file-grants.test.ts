import assert from 'node:assert/strict'
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { PluginState } from '../../gen/proto/openracing/v1/plugin.ts'
import type { Home } from '../../rpc/home.ts'
import { until } from '../until.ts'
import { buildWasiLibrary, noWasiCompiler } from '../wasi-program.ts'
import { runWheelctl } from '../wheelctl.ts'
import { startRig } from './rig.ts'

const manifest = (name: string, id: number, access: string): string => `
id: 00000000-0000-4000-8000-00000000000${id}
name: ${name}
version: 1.0.0
description: Writes the number of each frame into logs/frames.
author: OpenRacing
license: MIT
class: Safe
capabilities: [ReadTelemetry, FileSystem]
operations: [TelemetryProcessor]
permissions: { file_system: [{ path: logs, access: ${access} }] }
constraints: { max_execution_time_us: 5000, max_memory_bytes: 1048576, update_rate_hz: 60 }
entry_points: { wasm_module: plugin.wasm }
`

const logsOf = (home: Home, name: string): string => join(home.pluginDir, name, 'logs')
const framesOf = (home: Home, name: string): string => join(logsOf(home, name), 'frames')

function install(home: Home, name: string, id: number, access = 'read_write', program = 'writes-log'): void {
  mkdirSync(logsOf(home, name), { recursive: true })
  writeFileSync(join(home.pluginDir, name, 'plugin.yaml'), manifest(name, id, access))
  writeFileSync(join(home.pluginDir, name, 'plugin.wasm'), buildWasiLibrary(program))
}

function prepare(home: Home): void {
  install(home, 'notes', 1)
  install(home, 'unasked', 2, 'read_write', 'keeps-log')
  install(home, 'reader', 3, 'read')
  const grants = ['notes', 'reader'].map((name) => `    - { name: ${name}, auto_grant: [FileSystem] }`)
  appendFileSync(home.configFile, ['  enabled:', '    - unasked', ...grants, ''].join('\n'))
}

const lines = (file: string): number => (existsSync(file) ? readFileSync(file, 'latin1').split('\n').length - 1 : 0)

test('a plugin writes where the user lets it, also after its process was killed; others write nowhere', {
  skip: noWasiCompiler,
}, async () => {
  await using rig = await startRig(prepare)
  const { home } = rig.rig
  const frames = framesOf(home, 'notes')
  await until('it wrote', () => lines(frames) > 10)

  // A failure at each tick, and none more than that: it runs, and has no file.
  for (const name of ['unasked', 'reader']) {
    const { state, statistics } = await rig.plugin(name)
    assert.equal(state, PluginState.PLUGIN_STATE_RUNNING, name)
    assert.ok((statistics?.failures ?? 0n) > 0n, name)
    assert.deepEqual(readdirSync(logsOf(home, name)), [], name)
  }
  const told =
    /FileSystem is not granted, which would let it read and write logs; grant with `wheelctl plugin grant unasked/
  assert.match((await rig.plugin('unasked')).detail, told)
  assert.doesNotMatch((await rig.plugin('notes')).detail, /FileSystem/)

  const before = lines(frames)
  process.kill((await rig.service('wasm-runner')).pid, 'SIGKILL')
  await until('the next runner lets it write as well', () => lines(frames) > before + 10)

  const grant = (...args: readonly string[]) => runWheelctl(home, ['plugin', 'grant', 'unasked', 'FileSystem', ...args])
  await assert.rejects(grant(), {
    code: 6,
    stderr: /CONSENT_NEEDED: FileSystem is of high risk: it would let unasked read and write logs/,
  })
  assert.deepEqual(readdirSync(logsOf(home, 'unasked')), [])
  assert.match((await grant('--yes')).stdout, /^unasked is (running|enabled)/)
  await until('it writes where it was granted while the rig ran', () => lines(framesOf(home, 'unasked')) > 64)
  await runWheelctl(home, ['plugin', 'revoke', 'unasked', 'FileSystem'])
  const written = lines(framesOf(home, 'unasked'))
  const after = (await rig.plugin('unasked')).statistics?.executions ?? 0n
  await until('it ticks on', async () => ((await rig.plugin('unasked')).statistics?.executions ?? 0n) > after + 20n)
  assert.equal(lines(framesOf(home, 'unasked')), written, 'and writes no more')
})
