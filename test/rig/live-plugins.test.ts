import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type Plugin, PluginState } from '../../gen/proto/openracing/v1/plugin.ts'
import type { Home } from '../../rpc/home.ts'
import { quietMs } from '../../services/host/plugin-watch.ts'
import { wasmOf } from '../../services/wasm-runner/testing/wasm-text.ts'
import { until } from '../until.ts'
import { buildWasmPlugin, completed } from '../wasm-plugin.ts'
import { runWheelctl } from '../wheelctl.ts'
import { apiOf, startNextHost, startRig } from './rig.ts'

const {
  PLUGIN_STATE_AVAILABLE: available,
  PLUGIN_STATE_DISABLED: disabled,
  PLUGIN_STATE_FAILED: failed,
  PLUGIN_STATE_LOADED: loaded,
  PLUGIN_STATE_RUNNING: running,
  PLUGIN_STATE_VERIFIED: verified,
} = PluginState

const manifest = (name: string, id: number): string => `
id: 00000000-0000-4000-8000-00000000000${id}
name: ${name}
version: 1.0.0
description: Does nothing.
author: OpenRacing
license: MIT
class: Safe
capabilities: [ReadTelemetry, ModifyTelemetry]
operations: [TelemetryProcessor]
constraints: { max_execution_time_us: 5000, max_memory_bytes: 1048576, update_rate_hz: 60 }
entry_points: { wasm_module: plugin.wasm }
`

const fileOf = (home: Home, name: string, file: string): string => join(home.pluginDir, name, file)

function put(home: Home, name: string, id: number, module: Uint8Array): void {
  mkdirSync(join(home.pluginDir, name), { recursive: true })
  writeFileSync(fileOf(home, name, 'plugin.yaml'), manifest(name, id))
  writeFileSync(fileOf(home, name, 'plugin.wasm'), module)
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const executions = (plugin: Plugin): bigint => plugin.statistics?.executions ?? 0n

test('plugins come, change and go while the rig runs, and nobody else notices', { timeout: 240_000 }, async (t) => {
  await using rig = await startRig()
  const { home } = rig.rig
  const wheelctl = async (...args: readonly string[]) => (await runWheelctl(home, args)).stdout
  const find = async (name: string) => (await rig.plugins()).find(({ directory }) => directory === name)
  const stands = (name: string, state: PluginState) =>
    until(`${name} in state ${state}`, async () => {
      const plugin = await find(name)
      return plugin?.state === state ? plugin : undefined
    })
  const quiet = wasmOf(completed(''))
  const louder = wasmOf(completed('(global i32 (i32.const 7))'))
  const neighbours = ['rpm-leds', 'slip-ffb', 'lowpass']
  const before = new Map<string, Plugin>()
  for (const name of neighbours) before.set(name, (await find(name)) as Plugin)

  await t.test('what is dropped in is left alone while it is being copied, and runs then', async (test) => {
    mkdirSync(join(home.pluginDir, 'quiet'))
    writeFileSync(fileOf(home, 'quiet', 'plugin.yaml'), manifest('quiet', 1))
    writeFileSync(fileOf(home, 'quiet', 'plugin.wasm'), quiet.subarray(0, 1))
    // A slow copy: a byte now and then, for longer than a directory has to be quiet.
    let longestMs = 0
    for (let byte = 1; byte < 9; byte++) {
      const beganMs = performance.now()
      await delay(100)
      appendFileSync(fileOf(home, 'quiet', 'plugin.wasm'), quiet.subarray(byte, byte + 1))
      longestMs = Math.max(longestMs, performance.now() - beganMs)
    }
    appendFileSync(fileOf(home, 'quiet', 'plugin.wasm'), quiet.subarray(9))
    const plugin = await stands('quiet', running)
    assert.equal(plugin.artefactSha256, sha256(quiet))
    const judged = await wheelctl('audit', 'list', '--subject', 'quiet')
    if (longestMs < quietMs / 2) assert.doesNotMatch(judged, /refuse/)
    else test.diagnostic(`the copy stood still for ${longestMs.toFixed(0)} ms: it may have been taken for a whole one`)
  })

  await t.test('what is replaced runs in its new form, and what cannot run in it runs on in the old one', async () => {
    const [grant] = (await stands('quiet', running)).grants.filter(({ capability }) => capability === 'ModifyTelemetry')
    assert.deepEqual([grant?.granted, grant?.reason], [true, 'config.yaml'])
    writeFileSync(fileOf(home, 'quiet', 'plugin.wasm'), louder)
    await until('the new bytes run', async () => (await find('quiet'))?.artefactSha256 === sha256(louder))
    writeFileSync(fileOf(home, 'quiet', 'plugin.wasm'), await buildWasmPlugin('traps-in-start'))
    const refused = await until('the old ones run on', async () => {
      const plugin = await find('quiet')
      return plugin?.detail.includes('what ran before runs on') ? plugin : undefined
    })
    assert.equal(refused.state, running)
    assert.match(refused.detail, /^PLUGIN_FAILED: .*quiet\/plugin\.wasm: /)
    await assert.rejects(wheelctl('plugin', 'reload', 'quiet'), { stderr: /PLUGIN_FAILED: .*quiet\/plugin\.wasm/ })
    writeFileSync(fileOf(home, 'quiet', 'plugin.yaml'), 'id: none')
    await until('so does one whose manifest is broken', async () =>
      (await find('quiet'))?.detail.includes('MANIFEST_INVALID'),
    )
    assert.equal((await find('quiet'))?.state, running)
    put(home, 'quiet', 1, quiet)
    await until('it is what it was', async () => {
      const plugin = await find('quiet')
      return plugin?.artefactSha256 === sha256(quiet) && !plugin.detail.includes('runs on')
    })
  })

  await t.test('of two with one id the one that was there is the plugin, wherever the other one lies', async () => {
    put(home, 'a-copy', 1, quiet)
    const copy = await stands('a-copy', failed)
    assert.match(copy.detail, /id .* is that of the plugin in quiet; give each an id of its own/)
    assert.equal((await find('quiet'))?.state, running)
    rmSync(join(home.pluginDir, 'quiet'), { recursive: true })
    await stands('a-copy', running)
    assert.equal(await find('quiet'), undefined)
    rmSync(join(home.pluginDir, 'a-copy'), { recursive: true })
    await until('it is gone', async () => (await find('a-copy')) === undefined)
    put(home, 'quiet', 1, quiet)
    await stands('quiet', running)
  })

  await t.test('nobody else was started again for any of that', async () => {
    for (const name of neighbours) {
      const [was, is] = [before.get(name) as Plugin, (await find(name)) as Plugin]
      assert.equal(is.statistics?.restarts, was.statistics?.restarts, name)
      assert.equal(is.stateSinceUnixMs, was.stateSinceUnixMs, name)
      assert.ok(executions(is) > executions(was), name)
    }
  })

  await t.test('what may not change what others read does not, from the next tick on', async () => {
    assert.match(
      await wheelctl('plugin', 'revoke', 'slip-ffb', 'ModifyTelemetry'),
      /^slip-ffb is running: .*ModifyTelemetry is not granted/,
    )
    const life = (await find('slip-ffb'))?.statistics?.executions
    assert.ok(life !== undefined && life > 0n, 'it kept its instance')
    await wheelctl('plugin', 'revoke', 'lowpass', 'ProcessDsp')
    assert.match(
      (await stands('lowpass', verified)).detail,
      /^ProcessDsp is not granted, which would let it change the torque/,
    )
    await wheelctl('plugin', 'grant', 'lowpass', 'ProcessDsp')
    await wheelctl('plugin', 'grant', 'slip-ffb', 'ModifyTelemetry')
    await stands('lowpass', running)
    await assert.rejects(wheelctl('plugin', 'grant', 'lowpass', 'FileSystem'), {
      code: 4,
      stderr: /does not ask for "FileSystem"/,
    })
  })

  await t.test('where a plugin is to get to is said once, and stands when the host was killed', async () => {
    assert.equal(await wheelctl('plugin', 'load', 'quiet'), 'quiet is loaded: it is not called\n')
    const rests = executions(await stands('quiet', loaded))
    assert.match(await wheelctl('plugin', 'disable', 'rpm-leds'), /^rpm-leds is disabled/)
    // Unloaded it is by then, and disabled it stays.
    assert.match(await wheelctl('plugin', 'unload', 'rpm-leds'), /^rpm-leds is disabled/)
    await assert.rejects(wheelctl('plugin', 'load', 'rpm-leds'), { stderr: /rpm-leds is disabled, and is not loaded/ })
    assert.match(await wheelctl('plugin', 'unload', 'lowpass'), /^lowpass is available/)
    assert.equal(executions(await stands('quiet', loaded)), rests, 'it is not called')
    process.kill(rig.rig.pid, 'SIGKILL')
    await rig.rig.exited
    await using _next = await startNextHost(home)
    const api = apiOf(home)
    const states = new Map((await api.plugins()).map(({ directory, state }) => [directory, state]))
    api.close()
    assert.deepEqual(
      ['quiet', 'rpm-leds', 'lowpass', 'slip-ffb'].map((name) => states.get(name)),
      [loaded, disabled, available, running],
    )
    assert.match(await wheelctl('plugin', 'enable', 'rpm-leds'), /^rpm-leds is (running|enabled)/)
    assert.match(await wheelctl('plugin', 'enable', 'lowpass'), /^lowpass is (running|enabled)/)
    assert.match(await wheelctl('plugin', 'enable', 'quiet'), /^quiet is (running|enabled)/)
  })
})
