import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PluginPhase, PluginReport, ReportedEnd } from '../../shm/plugin-report.ts'
import { judgeEnding, type PluginEnding } from './plugin-ending.ts'

const silent: ReportedEnd = { kind: 'none', number: 0, address: 0n, value: 0n, phase: 'idle', sequence: 0, symbol: '' }

const left = (phase: PluginPhase, end: Partial<ReportedEnd> = {}): PluginReport => ({
  end: { ...silent, phase, sequence: 100, ...end },
  phase,
  sequence: 100,
  memoryBytes: 0n,
  memoryMax: 0n,
  memoryRefused: 0n,
  allocations: 0n,
})

const judge = (ending: Partial<PluginEnding>) =>
  judgeEnding({
    exit: { code: null, signal: 'SIGKILL' },
    report: undefined,
    ended: undefined,
    fed: false,
    busy: false,
    ...ending,
  })
const charged = (ending: Partial<PluginEnding>) => {
  const { detail, violation } = judge(ending)
  assert.equal(violation?.detail ?? detail, detail)
  return [violation?.kind, violation?.phase, violation?.sequence, detail]
}

test('a crash says signal, place, address, what the plugin was doing and with which frame', () => {
  const at = { address: 0x7f00n, symbol: 'process+0x1f' }
  assert.deepEqual(charged({ report: left('processing', { kind: 'signal', number: 11, value: 8n, ...at }) }), [
    'crash',
    'processing',
    100,
    'its process was ended by SIGSEGV at process+0x1f, which used the address 0x8, during process() of frame 100',
  ])
  assert.deepEqual(charged({ report: left('creating', { kind: 'signal', number: 8, address: 0x7f00n }) }), [
    'crash',
    'creating',
    0,
    'its process was ended by SIGFPE at 0x7f00 during create()',
  ])
})

test('a forbidden system call is named, and a call without end says how long', () => {
  assert.deepEqual(charged({ report: left('processing', { kind: 'syscall', number: 435, symbol: 'run+0x2' }) }), [
    'capability',
    'processing',
    100,
    'it called clone3(), which its sandbox forbids, at run+0x2 during process() of frame 100',
  ])
  assert.deepEqual(charged({ report: left('processing', { kind: 'timeout', value: 1_000_000_000n }) }), [
    'timeout',
    'processing',
    100,
    'a call did not return within 1000 ms of CPU time at 0x0 during process() of frame 100',
  ])
})

test('a ring that was destroyed is told with its name, the frame and the count, whatever else ended the process', () => {
  const report = left('processing', { kind: 'ring', value: 0x100063n })
  const said = 'it destroyed its input ring: a count there became 0x100063 during process() of frame 100'
  const exit = { code: 1, signal: null }
  assert.deepEqual(charged({ exit, report }), ['protocol', 'processing', 100, said])
  const ended = { charged: 'protocol', detail: 'it wrote an impossible counter' } as const
  assert.deepEqual(charged({ report, ended }), ['protocol', 'processing', 100, said])
  assert.deepEqual(charged({ exit, report: left('creating', { kind: 'ring', number: 1, value: 8n }) }), [
    'protocol',
    'creating',
    0,
    'it destroyed its output ring: a count there became 0x8 during create()',
  ])
})

test('a process that was ended because it hung is charged, one that the machine starved is not', () => {
  const report = left('processing')
  assert.deepEqual(charged({ report, ended: { charged: 'timeout', detail: 'it blocks' } }), [
    'timeout',
    'processing',
    100,
    'it blocks',
  ])
  assert.equal(judge({ report, ended: { charged: undefined, detail: 'no processor' } }).violation, undefined)
})

test('without a word from the process its exit status and the loop tell whose doing it was', () => {
  const kind = (ending: Partial<PluginEnding>) => judge(ending).violation?.kind
  const exited = (code: number) => ({ code, signal: null })
  assert.equal(kind({ exit: exited(3), report: left('idle') }), 'crash')
  assert.equal(kind({ exit: exited(0), report: left('processing') }), 'crash')
  assert.equal(kind({ exit: exited(0), report: left('idle'), fed: true }), 'crash')
  assert.equal(
    kind({ exit: exited(0), report: left('destroying'), fed: true }),
    undefined,
    'a frame came while it left',
  )
  assert.equal(kind({ exit: exited(0), report: left('idle') }), undefined, 'it ends when no frames come any more')
  assert.equal(kind({ exit: { code: null, signal: 'SIGSEGV' } }), 'crash')
  assert.equal(kind({ exit: { code: null, signal: 'SIGSYS' } }), 'capability')
  assert.equal(kind({ report: left('processing') }), undefined, 'somebody else sent SIGKILL')
  assert.equal(kind({ report: left('idle'), busy: true }), 'timeout', 'the kernel did, to one that kept its core')
  assert.equal(kind({ exit: undefined, report: left('idle') }), undefined)
  assert.equal(kind({ exit: undefined, report: left('processing') }), 'crash')
})
