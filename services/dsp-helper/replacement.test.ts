import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import type { FastPluginSpec } from '../../gen/proto/openracing/v1/dsp_helper.ts'
import { PluginState } from '../../gen/proto/openracing/v1/plugin.ts'
import { rosterPath } from '../../shm/data-plane-processes.ts'
import { isAlive } from '../../test/alive.ts'
import { buildNativePlugin, fastPlugin } from '../../test/native-plugin.ts'
import { executions, limits, near, type PlaneUnderTest, pluginOf, startPlane, torqueNm } from '../../test/plane.ts'
import { until } from '../../test/until.ts'
import { readRoster } from './roster.ts'

const { PLUGIN_STATE_RUNNING: running, PLUGIN_STATE_FAILED: failed } = PluginState

const inverts = (rig: PlaneUnderTest, id = 'inverts'): FastPluginSpec =>
  fastPlugin(id, buildNativePlugin('inverts', rig.directory))

/** Looks as often as it can until `over`; fails when ever the plugin did not run. */
async function runsUntil(rig: PlaneUnderTest, id: string, over: Promise<unknown>): Promise<void> {
  let done = false
  const ended = over.finally(() => {
    done = true
  })
  while (!done) {
    const { state, pid } = pluginOf(rig, id)
    assert.ok(state === running && isAlive(pid), `state ${state}, pid ${pid}`)
    await new Promise(setImmediate)
  }
  await ended
}

test('a plugin that is configured anew runs on until its successor is ready, and its process ends then', async () => {
  await using rig = await startPlane()
  const spec = inverts(rig)
  await rig.plane.setChain([spec], limits)
  await until('the torque is turned round', () => near(torqueNm(rig), -2))
  const before = pluginOf(rig, 'inverts')
  await runsUntil(rig, 'inverts', rig.plane.setChain([{ ...spec, configJson: '{"a":1}' }], limits))

  const after = pluginOf(rig, 'inverts')
  assert.notEqual(after.pid, before.pid)
  assert.ok(!isAlive(before.pid))
  assert.equal(after.statistics?.restarts, 0)
  await until('the successor answers', () => executions(rig, 'inverts') > 100n)
  await until('the torque is turned round', () => near(torqueNm(rig), -2))
  assert.deepEqual(after.violations, [])
})

test('a successor that does not start is told, and what ran before runs on', async () => {
  await using rig = await startPlane()
  const spec = inverts(rig)
  await rig.plane.setChain([spec], limits)
  const before = pluginOf(rig, 'inverts')
  const bad = fastPlugin('inverts', buildNativePlugin('no-entry-point', rig.directory))
  await runsUntil(rig, 'inverts', rig.plane.setChain([bad], limits))
  const after = pluginOf(rig, 'inverts')
  assert.equal(after.pid, before.pid)
  assert.match(after.refusal, /^PLUGIN_INVALID: the library exports no get_plugin_vtable\(\)/)
  const count = executions(rig, 'inverts')
  await until('it is still called', () => executions(rig, 'inverts') > count + 100n)

  await rig.plane.setChain([spec], limits)
  assert.equal(pluginOf(rig, 'inverts').refusal, '')
  assert.equal(pluginOf(rig, 'inverts').pid, before.pid)
})

test('a plugin that does not run is replaced at once', async () => {
  await using rig = await startPlane()
  const bad = fastPlugin('inverts', buildNativePlugin('no-entry-point', rig.directory))
  await rig.plane.setChain([bad], limits)
  assert.equal(pluginOf(rig, 'inverts').state, failed)
  await rig.plane.setChain([inverts(rig)], limits)
  assert.equal(pluginOf(rig, 'inverts').state, running)
  await until('the torque is turned round', () => near(torqueNm(rig), -2))
})

test('another order touches no process', async () => {
  await using rig = await startPlane()
  const chain = ['a', 'b', 'c'].map((id) => inverts(rig, id))
  await rig.plane.setChain(chain, limits)
  const pids = chain.map(({ id }) => pluginOf(rig, id).pid)
  await rig.plane.setChain(chain.toReversed(), limits)
  assert.deepEqual(
    rig.plane.plugins().map(({ id }) => id),
    ['c', 'b', 'a'],
  )
  assert.deepEqual(
    chain.map(({ id }) => pluginOf(rig, id).pid),
    pids,
  )
  await until('an odd number turns the torque round', () => near(torqueNm(rig), -2))
})

test('a chain of sixteen is configured anew, and another sixteen take its place', async () => {
  await using rig = await startPlane()
  const ids = Array.from({ length: 16 }, (_, index) => `plugin-${index}`)
  const chain = ids.map((id) => inverts(rig, id))
  await rig.plane.setChain(chain, limits)
  const pids = ids.map((id) => pluginOf(rig, id).pid)
  await rig.plane.setChain(
    chain.map((spec) => ({ ...spec, configJson: '{"a":1}' })),
    limits,
  )
  for (const [index, id] of ids.entries()) {
    assert.equal(pluginOf(rig, id).state, running)
    assert.notEqual(pluginOf(rig, id).pid, pids[index])
  }
  await rig.plane.setChain(
    chain.map((spec) => ({ ...spec, id: `other-${spec.id}` })),
    limits,
  )
  await until('all of the others are called', () =>
    rig.plane.plugins().every(({ id }) => id.startsWith('other') && executions(rig, id) > 0n),
  )
})

test('a successor that is not wanted any more is ended, and what it shared removed', async () => {
  await using rig = await startPlane()
  const spec = inverts(rig)
  await rig.plane.setChain([spec], limits)
  const before = pluginOf(rig, 'inverts')
  const never = fastPlugin('inverts', buildNativePlugin('creates-never', rig.directory))
  const asked = rig.plane.setChain([never], limits) // which would take the 5 s that a create() may
  const { pid } = await until('its process runs', () => readRoster(rosterPath(rig.home.shmDir)).others[0])
  assert.ok(isAlive(pid))
  await rig.plane.setChain([spec], limits)
  await until('it is gone', () => !isAlive(pid))
  await asked
  assert.equal(pluginOf(rig, 'inverts').pid, before.pid)
  assert.deepEqual(
    readdirSync(rig.home.shmDir).filter((name) => name.startsWith('plugin-')).length,
    1,
    'of the one that runs',
  )
})
