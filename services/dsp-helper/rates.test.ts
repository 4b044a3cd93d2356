import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FastPluginSpec } from '../../gen/proto/openracing/v1/dsp_helper.ts'
import { PluginState } from '../../gen/proto/openracing/v1/plugin.ts'
import { rosterPath } from '../../shm/data-plane-processes.ts'
import { isAlive } from '../../test/alive.ts'
import { buildNativePlugin, fastPlugin } from '../../test/native-plugin.ts'
import { limits, near, type PlaneUnderTest, pluginOf, startPlane, ticks, torqueNm } from '../../test/plane.ts'
import { until } from '../../test/until.ts'
import { readRoster } from './roster.ts'

const { PLUGIN_STATE_RUNNING, PLUGIN_STATE_THROTTLED, PLUGIN_STATE_LOADED } = PluginState

const inverts = (rig: PlaneUnderTest, id = 'inverts'): FastPluginSpec =>
  fastPlugin(id, buildNativePlugin('inverts', rig.directory))

const countsOf = (rig: PlaneUnderTest) => {
  const { executions = 0n, missedDeadlines = 0n } = pluginOf(rig, 'inverts').statistics ?? {}
  // The turns that it had, answered or not.
  return { ticks: Number(ticks(rig)), turns: Number(executions + missedDeadlines) }
}

/** How many turns it has in a tick, over a thousand of them. */
async function turnsPerTick(rig: PlaneUnderTest): Promise<number> {
  const before = countsOf(rig)
  await until('a thousand ticks', () => countsOf(rig).ticks >= before.ticks + 1000)
  const after = countsOf(rig)
  return (after.turns - before.turns) / (after.ticks - before.ticks)
}

test('a plugin is called in each second and each fourth tick, by the process that it has, and its answer is held', async () => {
  await using rig = await startPlane()
  const spec = inverts(rig)
  await rig.plane.setChain([spec], limits)
  const { pid, state } = pluginOf(rig, 'inverts')
  assert.equal(state, PLUGIN_STATE_RUNNING)
  for (const [rateHz, share] of [
    [500, 1 / 2],
    [250, 1 / 4],
    [1000, 1],
  ] as const) {
    await rig.plane.setChain([{ ...spec, updateRateHz: rateHz }], limits)
    const plugin = pluginOf(rig, 'inverts')
    assert.deepEqual([plugin.state, plugin.pid], [rateHz === 1000 ? PLUGIN_STATE_RUNNING : PLUGIN_STATE_THROTTLED, pid])
    if (rateHz < 1000)
      assert.equal(plugin.detail, `it is called at ${rateHz} Hz, and between two calls its last answer is held`)
    await until('the loop has the rate, and the torque is turned round', async () => {
      const turns = await turnsPerTick(rig)
      return Math.abs(turns - share) < 0.02 && near(torqueNm(rig), -2)
    })
    assert.equal(readRoster(rosterPath(rig.home.shmDir)).places[0]?.spec.updateRateHz, rateHz)
  }
  assert.deepEqual(pluginOf(rig, 'inverts').violations, [])
  assert.equal(pluginOf(rig, 'inverts').statistics?.restarts, 0)
})

test('a plugin that is never called keeps its process, is charged with nothing, and is called when it is to be again', async () => {
  await using rig = await startPlane()
  const spec = inverts(rig)
  await rig.plane.setChain([{ ...spec, updateRateHz: 0 }], limits)
  const { pid, state, detail } = pluginOf(rig, 'inverts')
  assert.deepEqual([state, detail], [PLUGIN_STATE_LOADED, 'it is not called, and frames pass through'])
  await until('frames pass through', () => near(torqueNm(rig), 2))
  const before = ticks(rig)
  // A process without a sign of a loop ends after five seconds.
  await until('more than five seconds of the loop', () => ticks(rig) > before + 6000n)
  assert.ok(isAlive(pid))
  const { statistics, violations, pid: now } = pluginOf(rig, 'inverts')
  assert.deepEqual([now, statistics?.executions, statistics?.missedDeadlines, statistics?.leftOut], [pid, 0n, 0n, 0n])
  assert.deepEqual(violations, [])

  await rig.plane.setChain([spec], limits)
  await until('the torque is turned round', () => near(torqueNm(rig), -2))
  await rig.plane.setChain([{ ...spec, updateRateHz: 0 }], limits)
  await until('frames pass through', () => near(torqueNm(rig), 2))
  assert.equal(pluginOf(rig, 'inverts').pid, pid)
})

test('a plugin that is configured anew is called at its rate before and after', async () => {
  await using rig = await startPlane()
  const spec = { ...inverts(rig), updateRateHz: 250 }
  await rig.plane.setChain([spec], limits)
  await rig.plane.setChain([{ ...spec, configJson: '{"a":1}', updateRateHz: 500 }], limits)
  assert.equal(pluginOf(rig, 'inverts').state, PLUGIN_STATE_THROTTLED)
  await until('the loop has the rate', async () => Math.abs((await turnsPerTick(rig)) - 1 / 2) < 0.02)
})

test('a plugin is out of the loop, and its process gone, while another one does not become ready', async () => {
  await using rig = await startPlane()
  const spec = inverts(rig)
  await rig.plane.setChain([spec], limits)
  await until('the torque is turned round', () => near(torqueNm(rig), -2))
  const { pid } = pluginOf(rig, 'inverts')
  const hangs = fastPlugin('creates-never', buildNativePlugin('creates-never', rig.directory))
  const over: string[] = []
  const both = rig.plane.setChain([spec, hangs], limits).finally(() => over.push('both'))
  const { pid: hanging } = await until('its process runs', () => readRoster(rosterPath(rig.home.shmDir)).others[0])
  await rig.plane.end([spec.id, 'nobody'])
  assert.ok(!isAlive(pid))
  assert.ok(isAlive(hanging) || over.length > 0, 'it was not waited for')
  await until('the torque is as it came', () => near(torqueNm(rig), 2))
  await rig.plane.end([hangs.id])
  assert.ok(!isAlive(hanging))
  assert.deepEqual(rig.plane.plugins(), [])
  await both
})
