import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { pino } from 'pino'
import { ViolationKind } from '../../gen/proto/openracing/v1/statistics.ts'
import type { CarryRequestsRequest, CarryRequestsResponse } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import { createOutbox } from '../../rpc/outbox.ts'
import { until } from '../../test/until.ts'
import type { OnCallSpec } from './on-call-spec.ts'
import type { PluginSpec } from './plugin-spec.ts'
import { type RunnerOptions, startRunner } from './runner.ts'
import { actionOf } from './testing/call.ts'
import { actionModule } from './testing/call-guests.ts'
import { fetchingAction, fetchingModule } from './testing/network-guests.ts'
import { specOf } from './testing/specs.ts'
import { wasmOf } from './testing/wasm-text.ts'

const ask = { method: 'GET', url: 'http://a.test/x' }
const askJson = JSON.stringify(ask).replaceAll('"', '\\"')
const importsRequest = '(import "env" "http_request" (func $request (param i32 i32) (result i32)))'
const request = `(call $request (i32.const 0) (i32.const ${JSON.stringify(ask).length}))`

/** A real runner, with its threads, and the host that carries for it. */
async function rig(part: Pick<RunnerOptions, 'callFuel' | 'unguarded'> = {}) {
  const shmDir = await mkdtemp('/dev/shm/openracing-test-')
  const lines: string[] = []
  const log = pino({ level: 'trace' }, { write: (line) => void lines.push(JSON.parse(line).msg) })
  const runner = await startRunner({ shmDir, ledCount: 15, log, guestLog: log, ...part })
  const wishes: CarryRequestsResponse[] = []
  const answers = createOutbox<CarryRequestsRequest>(100)
  const over = new AbortController()
  const carrying = (async () => {
    for await (const wish of runner.carry(answers, over.signal)) wishes.push(wish)
  })()
  const file = async (bytes: Uint8Array): Promise<Pick<PluginSpec, 'path' | 'sha256'>> => {
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    await writeFile(join(shmDir, sha256), bytes)
    return { path: join(shmDir, sha256), sha256 }
  }
  return {
    runner,
    lines,
    async load(bytes: Uint8Array, more: Partial<PluginSpec> = {}): Promise<string> {
      const spec = specOf({ capabilities: ['ReadTelemetry', 'Network'], network: ['a.test'], ...more })
      await runner.load({ ...spec, ...(await file(bytes)) })
      return spec.id
    },
    async loadAction(bytes: Uint8Array, more: Partial<OnCallSpec> = {}): Promise<string> {
      const { name, memoryBytes, entryPoints, network, fileSystem } = specOf({ network: ['a.test'] })
      const same = { name, memoryBytes, entryPoints, network, fileSystem }
      const spec = { id: 'action', ...same, isNetworkRequested: false, deadlineMs: 5000, stateful: false, ...more }
      await runner.loadOnCall({ ...spec, ...(await file(bytes)) })
      return spec.id
    },
    execute: async (id: string) => (await runner.runAction(id, actionOf(), new AbortController().signal)).result,
    wish: (kind: 'http' | 'withdrawal', number?: number) =>
      until(`a wish of ${kind}`, () =>
        wishes.find(({ wish, number: of }) => wish?.$case === kind && (number === undefined || of === number)),
      ),
    answer: (number: number, body: string) =>
      answers.put({
        number,
        outcome: { $case: 'response', value: { status: 200, headers: [], body: Buffer.from(body) } },
      }),
    goAway: () => over.abort(),
    violations: (id: string) => runner.list().find((plugin) => plugin.id === id)?.violations ?? [],
    async [Symbol.asyncDispose]() {
      await runner.close()
      over.abort()
      await carrying
      await rm(shmDir, { recursive: true })
    },
  }
}

test('a plugin that ticks asks, goes on ticking, and has its answer when it comes', async () => {
  await using it = await rig()
  const id = await it.load(fetchingModule(ask))
  const { number, pluginId } = await it.wish('http')
  assert.equal(pluginId, id)
  const ticks = (): bigint => it.runner.list()[0]?.statistics?.executions ?? 0n
  const before = ticks()
  await until('it ticks meanwhile', () => ticks() > before + 5n)
  it.answer(number, 'here it is')
  await until('the body is in the log', () => it.lines.includes('here it is'))
})

test('what a plugin asked for is withdrawn when it is unloaded', async () => {
  await using it = await rig()
  const id = await it.load(fetchingModule(ask))
  const { number } = await it.wish('http')
  await it.runner.unload(id)
  await it.wish('withdrawal', number)
  it.answer(number, 'too late')
  await it.load(fetchingModule(ask), { id })
  await until(
    'the next one asks under a number of its own',
    async () => (await it.wish('http', number + 1)) !== undefined,
  )
})

test('what a plugin asked for is withdrawn when it traps, and its next instance knows nothing of it', async () => {
  await using it = await rig()
  await it.load(
    wasmOf(`(module ${importsRequest} (memory (export "memory") 1) (data (i32.const 0) "${askJson}")
      (func (export "process") (param f32 f32) (result f32) (drop ${request}) unreachable))`),
  )
  const { number } = await it.wish('http')
  await it.wish('withdrawal', number)
  await it.wish('http', number + 1)
})

test('what a plugin asked for is withdrawn when it loses the network, and it ticks on', async () => {
  await using it = await rig()
  const id = await it.load(fetchingModule(ask))
  const { number } = await it.wish('http')
  const rateHz = 100
  await it.runner.adjust(id, { rateHz, capabilities: ['ReadTelemetry'], fileSystem: [], network: [] })
  await it.wish('withdrawal', number)
  const ticks = () => it.runner.list()[0]?.statistics?.executions ?? 0n
  const before = ticks()
  await until('a tick', () => ticks() > before)
  assert.equal(it.runner.list()[0]?.statistics?.restarts, 0)
})

test('a plugin that asks for a host that is not listed is charged', async () => {
  await using it = await rig()
  const id = await it.load(fetchingModule(ask), { network: ['b.test'] })
  await until('it is charged', () => it.violations(id).length > 0)
  const [violation] = it.violations(id)
  assert.equal(violation?.kind, ViolationKind.VIOLATION_KIND_CAPABILITY)
  assert.match(violation?.detail ?? '', /^http_request to a\.test, port 80, which its manifest does not list$/)
})

test('a call waits on its own thread, and its answer wakes it', async () => {
  await using it = await rig()
  const id = await it.loadAction(fetchingAction(ask))
  const running = it.execute(id)
  const { number } = await it.wish('http')
  it.answer(number, 'called back')
  const { code, lines } = await running
  assert.deepEqual([code, lines], [0, [{ level: 'warn', text: 'called back' }]])
})

test('a call that waits loses the network in the middle, is told so, and goes on', async () => {
  await using it = await rig()
  const id = await it.loadAction(fetchingAction(ask), { deadlineMs: 3_600_000 })
  const running = it.execute(id)
  const { number } = await it.wish('http')
  await it.runner.adjust(id, { rateHz: 0, capabilities: [], fileSystem: [], network: [] })
  const { code, fault } = await running
  assert.deepEqual([code, fault], [-203, ''], 'permission denied')
  await it.wish('withdrawal', number)
  assert.equal((await it.execute(id)).code, -202, 'there is no request that it could ask about')
  await it.runner.adjust(id, { rateHz: 0, capabilities: [], fileSystem: [], network: ['a.test'] })
  const again = it.execute(id)
  const asked = await it.wish('http', number + 1)
  it.answer(asked.number, 'body')
  assert.equal((await again).code, 0)
})

test('a call that waits for the network is woken and interrupted when its plugin is unloaded', async () => {
  await using it = await rig()
  const id = await it.loadAction(fetchingAction(ask), { deadlineMs: 3_600_000 })
  const ended = assert.rejects(it.execute(id), /unloaded while the call ran/)
  const { number } = await it.wish('http')
  await it.runner.unload(id)
  await ended
  await it.wish('withdrawal', number)
})

test('a call that gets no answer is told so while it still has time, and is not charged', async () => {
  await using it = await rig()
  const id = await it.loadAction(fetchingAction(ask), { deadlineMs: 2000 })
  const { code, lines, fault } = await it.execute(id)
  assert.deepEqual([code, fault], [-201, ''])
  assert.match(lines[0]?.text ?? '', /^GET http:\/\/a\.test\/x: there was no answer in the time that the call has$/)
  const { number } = await it.wish('http')
  await it.wish('withdrawal', number)
  assert.deepEqual(it.violations(id), [])
})

test('a host that goes away wakes a call that waits', async () => {
  await using it = await rig()
  const id = await it.loadAction(fetchingAction(ask))
  const running = it.execute(id)
  await it.wish('http')
  it.goAway()
  const { code, lines } = await running
  assert.equal(code, -201)
  assert.match(lines[0]?.text ?? '', /nothing is carried to the network now/)
})

test('what a call asked for is withdrawn when its thread has to be ended', async () => {
  await using it = await rig({ callFuel: 1e15, unguarded: true })
  const id = await it.loadAction(
    actionModule(`${importsRequest} (data (i32.const 0) "${askJson}")
      (func (export "execute") (param i32 i32) (result i32) (drop ${request}) (loop $l (br $l)) (i32.const 0))`),
    { deadlineMs: 1000 },
  )
  const running = it.execute(id)
  const { number } = await it.wish('http')
  assert.match((await running).fault, /did not return within 1000 ms/)
  await it.wish('withdrawal', number)
})

test('an action without hosts is refused, and charged', async () => {
  await using it = await rig()
  const id = await it.loadAction(fetchingAction(ask), { network: [] })
  const { code } = await it.execute(id)
  assert.equal(code, -202, 'status of a handle that is none')
  const [violation] = it.violations(id)
  assert.equal(violation?.kind, ViolationKind.VIOLATION_KIND_CAPABILITY)
})
