import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { pino } from 'pino'
import { PluginState } from '../../gen/proto/openracing/v1/plugin.ts'
import { ViolationKind } from '../../gen/proto/openracing/v1/statistics.ts'
import { LoadOnCallPluginRequest } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import { RigError } from '../../rpc/failure.ts'
import { until } from '../../test/until.ts'
import { type OnCallSpec, parseOnCallRequest } from './on-call-spec.ts'
import { type RunnerOptions, startRunner } from './runner.ts'
import { actionOf, inputOf } from './testing/call.ts'
import { actionModule, zenithModule } from './testing/call-guests.ts'
import { guestModule } from './testing/guest-module.ts'
import { specOf } from './testing/specs.ts'
import { errno } from './wasi/errno.ts'

/** A real runner, with its threads. */
async function rig(part: Pick<RunnerOptions, 'callFuel' | 'unguarded'> = {}) {
  const shmDir = await mkdtemp('/dev/shm/openracing-test-')
  const lines: { readonly level: number; readonly msg: string; readonly plugin?: string }[] = []
  const log = pino({ level: 'trace' }, { write: (line) => void lines.push(JSON.parse(line)) })
  const runner = await startRunner({ shmDir, ledCount: 15, log, guestLog: log, ...part })
  let files = 0
  async function specFor(bytes: Uint8Array, more: Partial<OnCallSpec> = {}): Promise<OnCallSpec> {
    const path = join(shmDir, `plugin-${files++}.wasm`)
    await writeFile(path, bytes)
    const request = LoadOnCallPluginRequest.fromPartial({
      ...{ id: `plugin-${files}`, name: 'a plugin', path },
      sha256: createHash('sha256').update(bytes).digest('hex'),
      ...{ maxExecutionTimeUs: 5_000_000, maxMemoryBytes: 128n << 20n },
    })
    return { ...parseOnCallRequest(request), ...more }
  }
  return {
    runner,
    lines,
    specFor,
    async load(bytes: Uint8Array, more: Partial<OnCallSpec> = {}): Promise<string> {
      const spec = await specFor(bytes, more)
      await runner.loadOnCall(spec)
      return spec.id
    },
    execute: (id: string, action = 'hello', signal = new AbortController().signal) =>
      runner.runAction(id, actionOf({ action }), signal),
    process: (id: string, input: Uint8Array) =>
      runner.runInput(id, inputOf({ input: new Uint8Array(input) }), new AbortController().signal),
    view: (id: string) => runner.list().find((plugin) => plugin.id === id),
    async [Symbol.asyncDispose]() {
      await runner.close()
      await rm(shmDir, { recursive: true })
    },
  }
}

const isRefused = (code: string, sentence: RegExp) => (cause: unknown) =>
  cause instanceof RigError && cause.code === code && sentence.test(cause.detail)

/** Loops when the action begins with an `l`, else counts its calls. The name is at 8192 + 11: `{"action":"`. */
const loopsWhenAsked = `(global $calls (mut i32) (i32.const 0))
  (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
  (func (export "execute") (param i32 i32) (result i32)
    (if (i32.eq (i32.load8_u offset=11 (local.get 0)) (i32.const 0x6c)) (then (loop $l (br $l))))
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (global.get $calls))`.replace(/(\(global[^\n]*\n)(.*\n)/, '$2$1')

test('plugins of both kinds are loaded, listed as what they say they are, called, counted and unloaded', async () => {
  await using it = await rig()
  const keys = await it.load(actionModule())
  const copier = await it.load(zenithModule())
  assert.deepEqual(
    [keys, copier].map((id) => [it.view(id)?.state, it.view(id)?.detail, it.view(id)?.described]),
    [
      [PluginState.PLUGIN_STATE_RUNNING, 'keys v0.1.0: Does nothing', { name: 'keys', version: '0.1.0' }],
      [PluginState.PLUGIN_STATE_RUNNING, 'copier v1.2.3', { name: 'copier', version: '1.2.3' }],
    ],
  )
  const { result } = await it.execute(keys)
  assert.deepEqual([result.code, result.fault, result.lines], [0, '', []])
  const large = Buffer.alloc(5_000_000, 'abc')
  const copied = await it.process(copier, large)
  assert.ok(large.equals(copied.output))
  assert.equal((await it.process(copier, Buffer.alloc(0))).result.code, 0)
  const { statistics } = it.view(copier)!
  assert.deepEqual([statistics?.executions, statistics?.failures, statistics?.fuel?.most], [2n, 0n, copied.result.fuel])
  await it.runner.unload(copier)
  await assert.rejects(it.process(copier, large), isRefused('PLUGIN_UNKNOWN', /no plugin "plugin-2" is loaded/))
})

test('a plugin is asked for what its kind has', async () => {
  await using it = await rig()
  const [keys, copier] = [await it.load(actionModule()), await it.load(zenithModule())]
  await assert.rejects(
    it.execute(copier),
    isRefused('REQUEST_INVALID', /plugin of zenith-1, .*`wheelctl plugin process`/),
  )
  await assert.rejects(
    it.process(keys, Buffer.from('x')),
    isRefused('REQUEST_INVALID', /plugin of midimon-action-1, .*`wheelctl plugin execute`/),
  )
  await assert.rejects(it.load(guestModule()), isRefused('PLUGIN_INVALID', /openracing-sdk-1, which runs at a rate/))
  const ticking = await it.specFor(zenithModule())
  const { path, sha256 } = ticking
  await assert.rejects(it.runner.load(specOf({ path, sha256 })), isRefused('PLUGIN_INVALID', /runs when somebody asks/))
})

test('a plugin that does not begin is refused, and one that ran before goes on', async () => {
  await using it = await rig()
  const id = await it.load(actionModule())
  const broken = actionModule('', '{}')
  await assert.rejects(
    it.load(broken, { id }),
    isRefused(
      'PLUGIN_FAILED',
      /a plugin did not start \(init\(\) returned metadata that lacks something: name: .*\); ask its author$/,
    ),
  )
  assert.equal((await it.execute(id)).result.code, 0)
})

test('a trap, and a loop, are in the result and charged; the next call is another instance', async () => {
  await using it = await rig()
  const traps = await it.load(actionModule('(func (export "execute") (param i32 i32) (result i32) unreachable)'))
  const loops = await it.load(actionModule(loopsWhenAsked), { stateful: true })
  assert.equal((await it.execute(traps)).result.fault, 'execute trapped: unreachable')
  assert.equal((await it.execute(loops)).result.code, 1)
  assert.equal((await it.execute(loops)).result.code, 2)
  const { fault, fuel } = (await it.execute(loops, 'loop')).result
  assert.deepEqual([fault, fuel], ['execute ran out of fuel: it was given 100000000 instructions', 100_000_000n])
  assert.equal((await it.execute(loops)).result.code, 1)
  const kinds = (id: string) => it.view(id)?.violations.map(({ kind, count }) => [kind, count])
  assert.deepEqual(kinds(traps), [[ViolationKind.VIOLATION_KIND_CRASH, 1n]])
  assert.deepEqual(kinds(loops), [[ViolationKind.VIOLATION_KIND_BUDGET, 1n]])
  const { statistics } = it.view(loops)!
  assert.deepEqual([statistics?.executions, statistics?.failures, statistics?.budgetViolations], [3n, 4n, 1n])
})

test('a plugin that fills the heap of its thread is named, and the next call is answered by another', async () => {
  await using it = await rig()
  const id = await it.load(
    actionModule(`(type $bytes (array (mut i64)))
      (type $node (struct (field (ref $bytes)) (field (ref null $node))))
      (global $kept (mut (ref null $node)) (ref.null $node))
      (func (export "execute") (param i32 i32) (result i32)
        (loop $next
          (global.set $kept (struct.new $node (array.new $bytes (i64.const 1) (i32.const 100000)) (global.get $kept)))
          (br $next))
        (i32.const 0))`),
    { deadlineMs: 60_000 }, // the engine collects for seconds where the cores are busy
  )
  const keys = await it.load(actionModule())
  const { fault } = (await it.execute(id)).result
  assert.equal(fault, 'the objects of its thread had more than 512 MiB while it ran')
  assert.deepEqual(
    it.view(id)?.violations.map(({ kind, count }) => [kind, count]),
    [[ViolationKind.VIOLATION_KIND_MEMORY, 1n]],
  )
  assert.equal((await it.execute(keys)).result.code, 0)
})

test('a plugin that is called has the directories that it was granted, and no other', async () => {
  await using it = await rig()
  const asks = actionModule(`
    (import "wasi_snapshot_preview1" "fd_prestat_get" (func $prestat (param i32 i32) (result i32)))
    (func (export "execute") (param i32 i32) (result i32) (call $prestat (i32.const 3) (i32.const 16384)))`)
  const path = await mkdtemp('/dev/shm/openracing-test-')
  const granted = await it.load(asks, { fileSystem: [{ name: 'presets', path, access: 'read' }] })
  const ungranted = await it.load(asks)
  assert.equal((await it.execute(granted)).result.code, 0)
  assert.equal((await it.execute(ungranted)).result.code, errno.BADF)
  await rm(path, { recursive: true })
})

/** So much that nothing runs out of it, and nobody who interrupts: the deadline is all that there is. */
const deadlineAlone = { callFuel: Number.MAX_SAFE_INTEGER, unguarded: true }

test('a call that outlives its deadline is ended with its thread, and the next one is answered by another', async () => {
  await using it = await rig(deadlineAlone)
  const id = await it.load(actionModule(loopsWhenAsked), { stateful: true, deadlineMs: 400 })
  assert.equal((await it.execute(id)).result.code, 1)
  const late = it.execute(id, 'loop')
  const next = it.execute(id)
  assert.equal((await late).result.fault, 'it did not return within 400 ms')
  const { code, fault } = (await next).result
  assert.deepEqual([code, fault], [1, ''], 'it begins anew')
  assert.deepEqual(
    it.view(id)?.violations.map(({ kind, detail }) => [kind, detail]),
    [[ViolationKind.VIOLATION_KIND_TIMEOUT, 'it did not return within 400 ms']],
  )
})

test('while one plugin loops, one on the other lane is called', async () => {
  await using it = await rig(deadlineAlone)
  const loops = await it.load(actionModule(loopsWhenAsked), { deadlineMs: 5000 })
  const other = await it.load(zenithModule())
  let looping = true
  const loop = it.execute(loops, 'loop').then(() => (looping = false))
  assert.equal((await it.process(other, Buffer.from('x'))).result.code, 0)
  assert.ok(looping, 'it was answered while the other one looped')
  await loop
})

test('a call that nobody waits for any more is not made', async () => {
  await using it = await rig(deadlineAlone)
  const id = await it.load(actionModule(loopsWhenAsked), { stateful: true, deadlineMs: 400 })
  const away = new AbortController()
  const loop = it.execute(id, 'loop')
  const waiting = it.execute(id, 'hello', away.signal)
  away.abort()
  await loop
  await assert.rejects(waiting, isRefused('SERVICE_UNAVAILABLE', /went away/))
  assert.equal((await it.execute(id)).result.code, 1)
  assert.equal(it.view(id)?.statistics?.executions, 1n)
})

test('a plugin’s lines come back with its call, also with one that is ended, and are in the log', async () => {
  await using it = await rig(deadlineAlone)
  const logs = `(import "env" "host_log" (func $log (param i32 i32))) (data (i32.const 64) "got it")
    (func (export "process") (param i32 i32 i32 i32) (result i32)
      (call $log (i32.const 64) (i32.const 6))
      (if (local.get 1) (then (loop $l (br $l)))) (i32.store (local.get 3) (i32.const 0)) (i32.const 0))`
  const id = await it.load(zenithModule(logs), { deadlineMs: 400 })
  const lines = [{ level: 'info', text: 'got it' }]
  assert.deepEqual((await it.process(id, Buffer.alloc(0))).result.lines, lines)
  const { result } = await it.process(id, Buffer.from('x'))
  assert.deepEqual([result.fault, result.lines], ['it did not return within 400 ms', lines])
  assert.equal(it.lines.filter(({ msg, plugin }) => msg === 'got it' && plugin === id).length, 2)
})

test('a plugin that floods its log writes some of it', async () => {
  await using it = await rig()
  const floods = `(import "env" "host_log" (func $log (param i32 i32)))
    (func (export "process") (param i32 i32 i32 i32) (result i32) (local $left i32)
      (local.set $left (i32.const 1000))
      (loop $l (call $log (i32.const 16) (i32.const 6))
        (br_if $l (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
      (i32.store (local.get 3) (i32.const 0)) (i32.const 0))`
  const id = await it.load(zenithModule(floods))
  const { lines, fault } = (await it.process(id, Buffer.alloc(0))).result
  assert.equal(fault, '')
  assert.ok(lines.length >= 20 && lines.length < 60, `${lines.length} lines`)
})

test('a preprocessor is cleaned up when it is unloaded, replaced, and when the runner closes', async () => {
  const logs: string[] = []
  const cleans = (word: string) =>
    zenithModule(`(import "env" "host_log" (func $log (param i32 i32))) (data (i32.const 64) "${word}")
      (func (export "cleanup") (call $log (i32.const 64) (i32.const 5)))`)
  {
    await using it = await rig()
    const id = await it.load(cleans('first'))
    await it.load(cleans('other'), { id })
    await until('the first is cleaned up', () => it.lines.some(({ msg }) => msg === 'first'))
    await it.runner.close()
    logs.push(...it.lines.map(({ msg }) => msg).filter((msg) => msg === 'first' || msg === 'other'))
  }
  assert.deepEqual(logs, ['first', 'other'])
})
