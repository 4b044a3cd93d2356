import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { rigStatus } from '../../gen/layout.ts'
import { buildNativePlugin, fastPlugin } from '../../test/native-plugin.ts'
import { executions, limits, type PlaneUnderTest, pluginOf, startPlane, statusOf } from '../../test/plane.ts'
import { until } from '../../test/until.ts'

const counted = (rig: PlaneUnderTest, id: string) => {
  const { executions: answers = 0n, missedDeadlines: missed = 0n } = pluginOf(rig, id).statistics ?? {}
  return { answers, missed }
}

/** The policy that the kernel schedules a process by: `SCHED_FIFO`, `SCHED_OTHER`. */
const policyOf = (pid: number): string =>
  /policy: (SCHED_\w+)/.exec(execFileSync('chrt', ['--pid', String(pid)], { encoding: 'utf8' }))?.[1] ?? ''

for (const order of [
  ['dawdles', 'inverts'],
  ['inverts', 'dawdles'],
]) {
  test(`a plugin that computes for four ticks in every call leaves its neighbour the core: ${order.join(', ')}`, async () => {
    await using rig = await startPlane()
    await rig.plane.setChain(
      order.map((name) => fastPlugin(name, buildNativePlugin(name, rig.directory))),
      limits,
    )
    await until('both are called', () => order.every((id) => executions(rig, id) > 10n))
    const before = counted(rig, 'inverts')
    const dawdled = executions(rig, 'dawdles')
    await until('the neighbour has answered for two seconds', () => executions(rig, 'inverts') > before.answers + 2000n)
    const after = counted(rig, 'inverts')
    assert.ok(executions(rig, 'dawdles') > dawdled, 'it goes on computing')
    // At the same priority the neighbour misses four ticks of five.
    const [answers, missed] = [after.answers - before.answers, after.missed - before.missed]
    assert.ok(missed < answers / 4n, `${missed} ticks went on without the neighbour, ${answers} had its answer`)
    assert.deepEqual(
      pluginOf(rig, 'inverts').violations.filter(({ detail }) => !detail.includes('more CPU time')),
      [],
    )
  })
}

test('a plugin has the priority that the loop lends, and none while it holds a frame beyond its budget', async (t) => {
  await using rig = await startPlane()
  if (statusOf(rig).readUInt32LE(rigStatus.realtime.offset) === 0)
    return t.skip('this user may have no real-time priority: there is none to lend')
  const ids = ['inverts', 'dawdles']
  await rig.plane.setChain(
    ids.map((name) => fastPlugin(name, buildNativePlugin(name, rig.directory))),
    limits,
  )
  await until('both are called', () => ids.every((id) => executions(rig, id) > 10n))
  const [inverts, dawdles] = ids.map((id) => pluginOf(rig, id).pid) as [number, number]
  await until('the one that answers in time has it', () => policyOf(inverts) === 'SCHED_FIFO')
  await until('the one that does not has none', () => policyOf(dawdles) === 'SCHED_OTHER')
})
