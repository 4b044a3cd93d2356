import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PluginState } from '../../gen/proto/openracing/v1/plugin.ts'
import { isAlive } from '../../test/alive.ts'
import { buildNativePlugin, fastPlugin } from '../../test/native-plugin.ts'
import { executions, limits, pluginOf, startPlane } from '../../test/plane.ts'
import { until } from '../../test/until.ts'

/** Deaths of the loop, each at another moment of a tick. */
const deaths = 10

test('a loop that is killed, at whatever moment, costs no plugin its process, and none is charged', async () => {
  await using rig = await startPlane()
  const library = buildNativePlugin('inverts', rig.directory)
  const chain = [
    fastPlugin('each-tick', library),
    { ...fastPlugin('each-fourth', library), updateRateHz: 250 },
    { ...fastPlugin('never', library), updateRateHz: 0 },
  ]
  await rig.plane.setChain(chain, limits)
  const pids = chain.map(({ id }) => pluginOf(rig, id).pid)
  for (let death = 0; death < deaths; death++) {
    const before = ['each-tick', 'each-fourth'].map((id) => [id, executions(rig, id)] as const)
    const { pid } = rig.plane.wheelRt()
    process.kill(pid, 'SIGKILL')
    await until('another loop runs', () => rig.plane.wheelRt().pid !== pid && isAlive(rig.plane.wheelRt().pid))
    for (const [id, count] of before) await until(`${id} answers again`, () => executions(rig, id) > count + 20n)
  }
  const plugins = chain.map(({ id }) => pluginOf(rig, id))
  assert.deepEqual(
    plugins.map(({ pid }) => pid),
    pids,
  )
  assert.deepEqual(
    plugins.flatMap(({ violations }) => violations),
    [],
  )
  assert.deepEqual(
    plugins.map(({ state }) => state),
    [PluginState.PLUGIN_STATE_RUNNING, PluginState.PLUGIN_STATE_THROTTLED, PluginState.PLUGIN_STATE_LOADED],
  )
})
