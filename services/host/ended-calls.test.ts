import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ViolationKind } from '../../gen/proto/openracing/v1/statistics.ts'
import { SafePlugin } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import { shmDirectory } from '../../shm/test/shm-directory.ts'
import { openCallMark, openCallRecord, openEndedCalls, wordsOfId } from '../wasm-runner/call-record.ts'
import { readSafe } from './conduct-report.ts'
import { countEndedCalls } from './ended-calls.ts'
import type { PlannedPlugin } from './plugin-plan.ts'
import { newConductRig } from './testing/conduct-rig.ts'

const [guilty, innocent] = ['00000000-0000-4000-8000-0000000000aa', '00000000-0000-4000-8000-0000000000bb'] as const

function rig(shmDir: string) {
  const it = newConductRig()
  const { conduct } = it.host()
  const plan = { plugins: () => [guilty, innocent].map((id) => ({ manifest: { id }, problem: null }) as PlannedPlugin) }
  const ended = openEndedCalls(shmDir)
  const log = { error: (cause: object) => assert.fail(`${Object.values(cause)}`) }
  return {
    conduct,
    count: () => countEndedCalls({ ended, conduct, plan, nowMs: () => it.clocks.wallMs, log }),
    [Symbol.dispose]: () => it[Symbol.dispose](),
  }
}

test('a plugin in whose code process after process ends is in quarantine after the third, though no process told of it', () => {
  using directory = shmDirectory()
  using it = rig(directory.path)
  for (const end of [1, 2, 3]) {
    const record = openCallRecord(directory.path)
    record.takeUnfinished() // what the process before left is nobody's business any more
    openCallMark(directory.path, record.claim()).begin(wordsOfId(guilty))
    it.count()
    it.count()
    const { totals, standing } = it.conduct.conductOf(guilty)
    assert.deepEqual([totals.crash, standing.kind], [end, end < 3 ? 'free' : 'quarantined'])
  }
  assert.equal(it.conduct.conductOf(innocent).totals.crash, 0)
})

test('what the host has counted is not counted again when the next process tells of it; what it has not is', () => {
  using directory = shmDirectory()
  using it = rig(directory.path)
  openCallMark(directory.path, openCallRecord(directory.path).claim()).begin(wordsOfId(guilty))
  it.count()
  const told = (count: bigint, crashesCounted: number, life: bigint) =>
    it.conduct.observe([
      readSafe([
        SafePlugin.fromPartial({
          ...{ id: guilty, life, crashesCounted },
          violations: [{ kind: ViolationKind.VIOLATION_KIND_CRASH, count, detail: 'it ended', lastTimeUnixUs: 1n }],
        }),
      ]),
    ])
  told(1n, 1, 1n)
  assert.equal(it.conduct.conductOf(guilty).totals.crash, 1)
  told(2n, 1, 1n)
  assert.equal(it.conduct.conductOf(guilty).totals.crash, 2)
})
