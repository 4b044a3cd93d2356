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
import type { PluginTerms } from './plugin-terms.ts'
import { type RunnerOptions, startRunner } from './runner.ts'
import { actionOf, inputOf } from './testing/call.ts'
import { actionModule, speakingAction, zenithModule } from './testing/call-guests.ts'
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

/** What only an interruption ends: the test's own deadline comes first. */
const hourMs = 3_600_000
const endless = { deadlineMs: hourMs, stateful: true } as const
/** So much that nothing runs out of it. */
const muchFuel = { callFuel: Number.MAX_SAFE_INTEGER }

/** One that keeps its count, and one that loops, on the same lane: the one between them has the other. */
async function neighbours(it: Awaited<ReturnType<typeof rig>>) {
  const counts = await it.load(actionModule(loopsWhenAsked), { stateful: true })
  await it.load(zenithModule())
  const loops = await it.load(speakingAction(0), endless)
  assert.equal((await it.execute(counts)).result.code, 1)
  return {
    ...{ counts, loops },
    /** Has it loop; resolves when it does. */
    async loop() {
      const call = it.execute(loops, 'loop')
      call.catch(() => {}) // whoever waits for it is told
      await until('it loops', () => it.lines.some(({ msg }) => msg === 'heard'))
      return { call }
    },
  }
}

const interrupted = isRefused('PLUGIN_FAILED', /^the plugin was unloaded while the call ran, which was interrupted; /)
const beforeItsTurn = isRefused('PLUGIN_UNKNOWN', /^the plugin was unloaded before its turn came; /)

test('a plugin that is unloaded is interrupted at once, what waits for it is refused, and its neighbour keeps its state', async () => {
  await using it = await rig(muchFuel)
  const { counts, loops, loop } = await neighbours(it)
  const { call } = await loop()
  const waiting = [it.execute(loops), it.execute(loops)]
  const refused = Promise.all([
    assert.rejects(call, interrupted),
    ...waiting.map((each) => assert.rejects(each, beforeItsTurn)),
  ])
  const next = it.execute(counts)
  await it.runner.unload(loops)
  await refused
  assert.equal((await next).result.code, 2, 'on the same thread, whose instances are as they were')
  assert.equal(it.view(loops), undefined)
  assert.deepEqual(it.view(counts)?.violations, [])
  assert.ok(!it.lines.some(({ msg }) => msg.includes('interrupted')), 'nobody is charged')
  await assert.rejects(it.execute(loops), isRefused('PLUGIN_UNKNOWN', /is loaded that can be asked/))
})

test('calls that wait behind a neighbour’s are refused when their plugin is unloaded, and the neighbour goes on', async () => {
  await using it = await rig(muchFuel)
  const { counts, loops, loop } = await neighbours(it)
  const { call: looping } = await loop()
  const waiting = it.execute(counts)
  const refused = assert.rejects(waiting, beforeItsTurn)
  await it.runner.unload(counts)
  await refused
  const ended = assert.rejects(looping, interrupted)
  await it.runner.unload(loops)
  await ended
})

test('where nothing can be interrupted a plugin that is unloaded is ended with its thread', async () => {
  await using it = await rig(deadlineAlone)
  const { counts, loops, loop } = await neighbours(it)
  const { call } = await loop()
  const ended = assert.rejects(call, interrupted)
  const next = it.execute(counts)
  await it.runner.unload(loops)
  await ended
  assert.equal((await next).result.code, 1, 'another thread answers, with another instance')
})

test('a plugin that is replaced finishes its call', async () => {
  await using it = await rig()
  const slow = actionModule(`(func (export "execute") (param i32 i32) (result i32) (local $i i32)
    (loop $l (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1000000))))
    (i32.const 7))`)
  const id = await it.load(slow)
  const call = it.execute(id)
  await it.load(actionModule(), { id })
  assert.equal((await call).result.code, 7)
  assert.equal((await it.execute(id)).result.code, 0)
})

const termsWith = (part: Partial<PluginTerms> = {}): PluginTerms => ({
  ...{ rateHz: 0, capabilities: [], fileSystem: [], network: [] },
  ...part,
})

/** Looks at what a directory's root is, again and again until it may not; with what the last answer was. */
const looksUntilRefused = `
  (import "wasi_snapshot_preview1" "path_filestat_get" (func $look (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (data (i32.const 64) ".") (data (i32.const 72) "\\50\\00\\00\\00\\06\\00\\00\\00") (data (i32.const 80) "begun\\n")
  (func (export "execute") (param i32 i32) (result i32) (local $answer i32)
    (drop (call $write (i32.const 2) (i32.const 72) (i32.const 1) (i32.const 88)))
    (loop $l
      (local.set $answer (call $look (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 16384)))
      (br_if $l (i32.eqz (local.get $answer))))
    (local.get $answer))`

test('a call that runs loses a directory in the middle, and the next one has it again', async () => {
  await using it = await rig(muchFuel)
  const path = await mkdtemp('/dev/shm/openracing-test-')
  const granted = [{ name: 'presets', path, access: 'read' }] as const
  const id = await it.load(actionModule(looksUntilRefused), { fileSystem: granted, ...endless })
  const begun = (): number => it.lines.filter(({ msg }) => msg === 'begun').length
  for (let round = 0; round < 2; round++) {
    const before = begun()
    const call = it.execute(id)
    await until('it looks', () => begun() > before)
    await it.runner.adjust(id, termsWith())
    const { code, fault } = (await call).result
    assert.deepEqual([code, fault], [errno.NOTCAPABLE, ''])
    assert.equal((await it.execute(id)).result.code, errno.NOTCAPABLE)
    await it.runner.adjust(id, termsWith({ fileSystem: granted }))
  }
  await rm(path, { recursive: true })
})

test('terms that a plugin which is called cannot have are refused, and it goes on as it is', async () => {
  await using it = await rig()
  const id = await it.load(actionModule())
  for (const [terms, sentence] of [
    [termsWith({ rateHz: 60 }), /^update_rate_hz is 60, .*; send 0$/],
    [termsWith({ capabilities: ['Network'] }), /^capabilities is not empty/],
    [termsWith({ fileSystem: [{ name: 'x', path: '/', access: 'read' }] }), /which the plugin was not loaded with/],
  ] as const)
    await assert.rejects(it.runner.adjust(id, terms), isRefused('REQUEST_INVALID', sentence))
  await assert.rejects(it.runner.adjust('nobody', termsWith()), isRefused('PLUGIN_UNKNOWN', /load it first/))
  assert.equal((await it.execute(id)).result.code, 0)
})
