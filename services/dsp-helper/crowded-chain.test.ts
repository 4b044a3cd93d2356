import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildNativePlugin, fastPlugin } from '../../test/native-plugin.ts'
import { limits, pluginOf, startPlane, ticks } from '../../test/plane.ts'
import { until } from '../../test/until.ts'

/** A process that hears nothing of a loop ends after 5 s. */
const ticksOfSilence = 5500n

test('a plugin for which a chain leaves no time stays, and the operator is told why it is not asked', async () => {
  await using rig = await startPlane()
  const library = buildNativePlugin('fills-its-tick', rig.directory)
  const fillers = Array.from({ length: 8 }, (_, index) => fastPlugin(`filler-${index}`, library))
  const last = fastPlugin('inverts', buildNativePlugin('inverts', rig.directory))
  await rig.plane.setChain([...fillers, last], limits)
  await until('it is told', () => pluginOf(rig, 'inverts').detail.includes('it was not asked in'))
  const [began, { pid }] = [ticks(rig), pluginOf(rig, 'inverts')]
  await until('a process without a loop would have ended', () => ticks(rig) > began + ticksOfSilence)
  const { pid: after, statistics, violations, detail } = pluginOf(rig, 'inverts')
  assert.equal(after, pid, 'its process is the same')
  assert.equal(statistics?.restarts, 0)
  assert.deepEqual(violations, [])
  assert.ok((statistics?.leftOut ?? 0n) > 1000n, `it was left out of ${statistics?.leftOut} ticks`)
  assert.match(detail, /take one out of the chain/)

  await rig.plane.setChain([last], limits)
  await until('alone it is asked again, and nothing is told any more', () => pluginOf(rig, 'inverts').detail === '')
})
