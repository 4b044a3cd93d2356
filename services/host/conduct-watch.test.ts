import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { FastPlugin } from '../../gen/proto/openracing/v1/dsp_helper.ts'
import { type Violation, ViolationKind } from '../../gen/proto/openracing/v1/statistics.ts'
import { SafePlugin } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import { RigError } from '../../rpc/failure.ts'
import { startConductWatch } from './conduct-watch.ts'
import { newConductRig } from './testing/conduct-rig.ts'

const crashed = (count: bigint): Violation[] => [
  { kind: ViolationKind.VIOLATION_KIND_CRASH, count, detail: 'trapped', phase: 0, sequence: 0, lastTimeUnixUs: count },
]

/** Services that answer what a test says, and a watch over them. */
function newWatch(rig: ReturnType<typeof newConductRig>, everyMs = 100_000) {
  const { conduct } = rig.host()
  const answers: {
    safe: (() => SafePlugin[] | Promise<SafePlugin[]>) | undefined
    fast: (() => FastPlugin[]) | undefined
  } = {
    safe: () => [],
    fast: () => [],
  }
  const complaints: unknown[] = []
  const looks = new EventEmitter()
  const watch = startConductWatch({
    heard: () => undefined,
    ...{ conduct, everyMs, log: { error: (...args: readonly unknown[]) => void complaints.push(args.at(-1)) } },
    isServing: (service) => (service === 'wasm-runner' ? answers.safe : answers.fast) !== undefined,
    services: {
      listSafe: async () => {
        looks.emit('look')
        return answers.safe?.() ?? []
      },
      listFast: async () => answers.fast?.() ?? [],
    },
  })
  return { ...{ conduct, watch, answers, complaints, looks }, [Symbol.asyncDispose]: () => watch.close() }
}

test('what both services count is counted, and what a look finds is on the disk when it is over', async () => {
  using rig = newConductRig()
  await using it = newWatch(rig)
  it.answers.safe = () => [SafePlugin.fromPartial({ id: 's', life: 1n, violations: crashed(2n) })]
  it.answers.fast = () => [FastPlugin.fromPartial({ id: 'f', tenure: 1n, violations: crashed(3n) })]
  await it.watch.look()
  assert.equal(it.conduct.conductOf('s').counted.crash, 2)
  assert.equal(it.conduct.standingOf('f').kind, 'quarantined')
})

test('it looks again and again until it is closed, which may be said twice', async () => {
  using rig = newConductRig()
  const it = newWatch(rig, 1)
  for (let look = 0; look < 3; look += 1) await once(it.looks, 'look')
  await it.watch.close()
  await it.watch.close()
})

test('a look begins when the one before has its answers: none of them overtakes another', async () => {
  using rig = newConductRig()
  await using it = newWatch(rig)
  await it.watch.look()
  let [underWay, most] = [0, 0]
  it.answers.safe = async () => {
    most = Math.max(most, ++underWay)
    await turn()
    underWay--
    return []
  }
  await Promise.all([it.watch.look(), it.watch.look(), it.watch.look()])
  assert.deepEqual([underWay, most], [0, 1])
})

test('a service that is not there is not asked, and one that goes meanwhile is no complaint', async () => {
  using rig = newConductRig()
  await using it = newWatch(rig)
  it.answers.safe = undefined
  it.answers.fast = () => {
    throw new RigError('SERVICE_UNAVAILABLE', 'it went')
  }
  await it.watch.look()
  assert.deepEqual(it.complaints, [])
})

test('a failure is told once, and what the other service counts is counted all the same', async () => {
  using rig = newConductRig()
  await using it = newWatch(rig)
  it.answers.fast = () => {
    throw new Error('broken')
  }
  it.answers.safe = () => [SafePlugin.fromPartial({ id: 's', life: 1n, violations: crashed(1n) })]
  for (let look = 0; look < 3; look += 1) await it.watch.look()
  assert.equal(it.complaints.length, 1)
  assert.equal(it.conduct.conductOf('s').counted.crash, 1)
  it.answers.fast = () => []
  await it.watch.look()
  it.answers.fast = () => {
    throw new Error('broken')
  }
  await it.watch.look()
  assert.equal(it.complaints.length, 2)
})

test('time alone brings a plugin back, without anybody asking', async () => {
  using rig = newConductRig()
  await using it = newWatch(rig)
  it.answers.safe = () => [SafePlugin.fromPartial({ id: 's', life: 1n, violations: crashed(3n) })]
  await it.watch.look()
  rig.pass(3_600_000)
  await it.watch.look()
  assert.deepEqual(it.conduct.standingOf('s'), { kind: 'free', level: 1, halvings: 0, warned: false })
})
