import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { rigStatus as layout } from '../../gen/layout.ts'
import { PluginState } from '../../gen/proto/openracing/v1/plugin.ts'
import { buildNativePlugin, fastPlugin } from '../../test/native-plugin.ts'
import { executions, limits, near, pluginOf, startPlane, statusOf, ticks, torqueNm } from '../../test/plane.ts'
import { until } from '../../test/until.ts'

test('without plugins the torque of the input reaches the wheel', async () => {
  await using rig = await startPlane()
  await rig.plane.setChain([], limits)
  await until('2 N·m are at the wheel', () => near(torqueNm(rig), 2))
})

test('a Fast plugin in a process of its own shapes the torque of every tick', async () => {
  await using rig = await startPlane()
  await rig.plane.setChain([fastPlugin('inverts', buildNativePlugin('inverts', rig.directory))], limits)
  await until('the torque is turned round', () => near(torqueNm(rig), -2))
  const before = { ticks: ticks(rig), executions: executions(rig, 'inverts') }
  await until('500 more ticks', () => ticks(rig) >= before.ticks + 500n)
  assert.ok(executions(rig, 'inverts') - before.executions >= 450n, 'the plugin answered in nearly all of them')
  assert.equal(pluginOf(rig, 'inverts').state, PluginState.PLUGIN_STATE_RUNNING)
})

test('a library for another ABI version is refused by its number, and the loop goes on', async () => {
  await using rig = await startPlane()
  await rig.plane.setChain([fastPlugin('other-abi', buildNativePlugin('other-abi', rig.directory))], limits)
  const { state, detail } = pluginOf(rig, 'other-abi')
  assert.equal(state, PluginState.PLUGIN_STATE_FAILED)
  assert.match(
    detail,
    /^PLUGIN_ABI_MISMATCH: built for ABI version 2, this platform has 1 .*; compile it against the sdk\/c\/plugin\.h/,
  )
  await until('2 N·m are at the wheel', () => near(torqueNm(rig), 2))
})

test('a library that is no plugin, and a file that is no library, are refused with the reason', async () => {
  await using rig = await startPlane()
  const paths = [buildNativePlugin('no-entry-point', rig.directory), fileURLToPath(import.meta.url)]
  await rig.plane.setChain(
    paths.map((path, index) => fastPlugin(`bad-${index}`, path)),
    limits,
  )
  assert.match(pluginOf(rig, 'bad-0').detail, /^PLUGIN_INVALID: the library exports no get_plugin_vtable\(\)/)
  assert.match(
    pluginOf(rig, 'bad-1').detail,
    /^PLUGIN_INVALID: it cannot be loaded as a library \(invalid ELF header\); build it/,
  )
})

test('a plugin whose create() fails is tried again with more patience each time', async () => {
  await using rig = await startPlane()
  await rig.plane.setChain([fastPlugin('creates-nothing', buildNativePlugin('creates-nothing', rig.directory))], limits)
  await until('it was tried three times', () => (pluginOf(rig, 'creates-nothing').statistics?.restarts ?? 0) >= 2)
  assert.match(pluginOf(rig, 'creates-nothing').detail, /^PLUGIN_FAILED: create\(\) returned NULL.*; correct /)
})

test('a plugin that crashes is passed by, named with its signal, and started again; its neighbour runs on', async () => {
  await using rig = await startPlane()
  await rig.plane.setChain(
    ['crashes', 'inverts'].map((name) => fastPlugin(name, buildNativePlugin(name, rig.directory))),
    limits,
  )
  await until('it crashed and is back', () => (pluginOf(rig, 'crashes').statistics?.restarts ?? 0) >= 1)
  assert.equal(pluginOf(rig, 'inverts').statistics?.restarts, 0)
  const before = executions(rig, 'inverts')
  await until('the neighbour answers', () => executions(rig, 'inverts') > before + 100n)
  await until('the torque is turned round', () => near(torqueNm(rig), -2))
  assert.match(
    pluginOf(rig, 'crashes').detail,
    /^its process was ended by SIGSEGV at \S+, which used the address 0x8, during process\(\) of frame \d+$/,
  )
})

test('a plugin that never returns is passed by, ended and started again', async () => {
  await using rig = await startPlane()
  await rig.plane.setChain([fastPlugin('never-returns', buildNativePlugin('never-returns', rig.directory))], limits)
  const { pid } = pluginOf(rig, 'never-returns')
  await until('it has another process', () => {
    const plugin = pluginOf(rig, 'never-returns')
    return plugin.state === PluginState.PLUGIN_STATE_RUNNING && plugin.pid !== pid
  })
  await until('2 N·m are at the wheel', () => near(torqueNm(rig), 2))
})

test('a plugin that cuts the memory it shares with the loop loses its own process, and not the loop', async () => {
  await using rig = await startPlane()
  await rig.plane.setChain(
    ['truncates', 'inverts'].map((name) => fastPlugin(name, buildNativePlugin(name, rig.directory))),
    limits,
  )
  const { pid } = rig.plane.wheelRt()
  await until('it was started again', () => (pluginOf(rig, 'truncates').statistics?.restarts ?? 0) >= 1)
  const before = executions(rig, 'inverts')
  await until('its neighbour answers', () => executions(rig, 'inverts') > before + 100n)
  assert.deepEqual(rig.plane.wheelRt(), { pid, restarts: 0 })
})

test('answers that are not finite or that fail are not used', async () => {
  await using rig = await startPlane()
  await rig.plane.setChain(
    ['not-finite', 'fails'].map((name) => fastPlugin(name, buildNativePlugin(name, rig.directory))),
    limits,
  )
  await until('both were asked', () => executions(rig, 'not-finite') > 100n && executions(rig, 'fails') > 100n)
  await until('2 N·m are at the wheel', () => near(torqueNm(rig), 2))
  assert.ok((pluginOf(rig, 'fails').statistics?.failures ?? 0n) > 100n)
  const status = statusOf(rig)
  assert.ok(status.readFloatLE(layout.max_abs_nm.offset) <= 2.01)
})

test('wheel-rt that is killed is back, counts on, and ramps up from zero', async () => {
  await using rig = await startPlane()
  await rig.plane.setChain([fastPlugin('inverts', buildNativePlugin('inverts', rig.directory))], limits)
  await until('the torque is turned round', () => near(torqueNm(rig), -2))
  const { pid } = rig.plane.wheelRt()
  const before = ticks(rig)
  process.kill(pid, 'SIGKILL')
  await until('another process runs the loop', () => {
    const now = rig.plane.wheelRt().pid
    return now !== 0 && now !== pid && rig.window.pid() === now
  })
  await until('the torque is back', () => ticks(rig) > before + 100n && near(torqueNm(rig), -2))
  assert.equal(rig.plane.wheelRt().restarts, 1)
})

test('the end takes every process and every file of the data plane along', async () => {
  const rig = await startPlane()
  await rig.plane.setChain([fastPlugin('inverts', buildNativePlugin('inverts', rig.directory))], limits)
  const pids = [rig.plane.wheelRt().pid, pluginOf(rig, 'inverts').pid]
  await rig[Symbol.asyncDispose]()
  for (const pid of pids) assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
  assert.throws(() => readdirSync(rig.home.shmDir), { code: 'ENOENT' })
})
