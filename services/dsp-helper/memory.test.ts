import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { PluginState } from '../../gen/proto/openracing/v1/plugin.ts'
import { buildNativePlugin, fastPlugin } from '../../test/native-plugin.ts'
import { executions, limits, pluginOf, startPlane } from '../../test/plane.ts'
import { until } from '../../test/until.ts'

/** Beside a plugin's limit: docs/decisions/0010. */
const roomBytes = 16 * 1024 * 1024
/** The limit is set by what a process has when it is fenced in, its stack included, and the kernel counts without that. */
const stackBytes = 256 * 1024

/** A line of /proc/PID/status that is told in KiB, in bytes. */
function bytesOf(pid: number, name: string): number {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8')
  const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)
  assert.ok(found, `${name} of ${pid}`)
  return Number(found[1]) * 1024
}

test('memory that a plugin maps by itself, whatever way it takes, ends at its limit and 16 MiB', async () => {
  await using rig = await startPlane()
  const chain = ['maps-too-much', 'inverts'].map((name) => fastPlugin(name, buildNativePlugin(name, rig.directory)))
  await rig.plane.setChain(chain, limits)
  await until('it is called', () => executions(rig, 'maps-too-much') > 100n)
  const [greedy, modest] = chain.map(({ id }) => pluginOf(rig, id))
  assert.ok(greedy !== undefined && modest !== undefined)
  assert.equal(greedy.state, PluginState.PLUGIN_STATE_RUNNING)
  const beyond = (name: string): number => bytesOf(greedy.pid, name) - bytesOf(modest.pid, name)
  const most = Number(chain[0]?.maxMemoryBytes) + roomBytes + stackBytes
  // Mapped and used: what it used it had, so that these are not the numbers of a plugin that was refused at once.
  for (const name of ['VmData', 'RssAnon'])
    assert.ok(
      beyond(name) <= most && beyond(name) > roomBytes,
      `${name} is ${beyond(name)} bytes beyond its neighbour's`,
    )
  for (const name of ['VmStk', 'RssShmem']) assert.ok(beyond(name) <= 65_536, `${name} is ${beyond(name)} bytes beyond`)
})
