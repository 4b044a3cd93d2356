import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { ViolationKind } from '../../gen/proto/openracing/v1/statistics.ts'
import {
  type ListSafePluginsResponse,
  LoadOnCallPluginRequest,
  type LoadOnCallPluginResponse,
  LoadSafePluginRequest,
  type LoadSafePluginResponse,
  RunActionRequest,
  type RunActionResponse,
  WasmRunnerServiceClient,
} from '../../gen/proto/openracing/v1/wasm_runner.ts'
import { call, connect } from '../../rpc/client.ts'
import { RigError } from '../../rpc/failure.ts'
import { findHome } from '../../rpc/home.ts'
import { shmDirectory } from '../../shm/test/shm-directory.ts'
import { openWords } from '../../shm/words.ts'
import {
  endedInside,
  keyOfId,
  openCallMark,
  openCallRecord,
  openEndedCalls,
  type Work,
  wordsOfId,
} from './call-record.ts'
import { actionModule } from './testing/call-guests.ts'
import { type GuestModule, guestModule, op } from './testing/guest-module.ts'
import { largeModule, slowFunctions } from './testing/large-module.ts'

const [first, second] = ['972e3c8b-0863-4d03-a036-0f7ad62047d4', '0a0b0c0d-0e0f-1011-8213-141516171819']

test('of the plugins of two threads those are unfinished whose call did not come back, and are told once', () => {
  using directory = shmDirectory()
  const record = openCallRecord(directory.path)
  const marks = [first, second].map(() => openCallMark(directory.path, record.claim()))
  marks[0]?.begin(wordsOfId(first))
  marks[1]?.begin(wordsOfId(second))
  marks[0]?.end()
  assert.deepEqual(
    [...openCallRecord(directory.path).takeUnfinished()],
    [[keyOfId(second), { work: 'call', isCounted: false }]],
  )
  assert.deepEqual([...openCallRecord(directory.path).takeUnfinished()], [])
})

test('the thread of a plugin that was ended leaves nothing in its place, and the next thread has it', () => {
  using directory = shmDirectory()
  const record = openCallRecord(directory.path)
  const place = record.claim()
  assert.notEqual(record.claim(), place)
  openCallMark(directory.path, place).begin(wordsOfId(first))
  record.release(place)
  assert.equal(record.claim(), place)
  assert.deepEqual([...record.takeUnfinished()], [])
})

test('a name stands in the record as a UUID does, and what was compiled is told apart', () => {
  using directory = shmDirectory()
  const record = openCallRecord(directory.path)
  for (const [id, work] of [
    ['my_plugin', 'call'],
    ['my_other_plugin', 'compile'],
  ] as const) {
    openCallMark(directory.path, record.claim()).begin(wordsOfId(id), work)
  }
  const unfinished = openCallRecord(directory.path).takeUnfinished()
  assert.deepEqual(unfinished.get(keyOfId('my_plugin')), { work: 'call', isCounted: false })
  assert.deepEqual(unfinished.get(keyOfId('my_other_plugin')), { work: 'compile', isCounted: false })
  assert.equal(unfinished.size, 2)
})

test('the host counts each end once, before the next process knows of it', () => {
  using directory = shmDirectory()
  const record = openCallRecord(directory.path)
  for (const [id, work] of [
    ['my_plugin', 'call'],
    ['my_plugin', 'call'],
    ['my_other_plugin', 'compile'],
  ] as const) {
    openCallMark(directory.path, record.claim()).begin(wordsOfId(id), work)
  }
  const ended = openEndedCalls(directory.path)
  const counted: string[] = []
  const full = (): void => {
    throw new Error('database or disk is full')
  }
  assert.throws(() => ended.count(full), /disk is full/)
  for (let times = 0; times < 2; times++) ended.count((keys) => void counted.push(...keys))
  assert.deepEqual(counted, [keyOfId('my_plugin')])
  const next = openCallRecord(directory.path)
  assert.deepEqual(next.takeUnfinished().get(keyOfId('my_plugin')), { work: 'call', isCounted: true })
  assert.equal(next.takeUnfinished().size, 0)
  ended.count((keys) => void counted.push(...keys))
  assert.equal(counted.length, 1)
})

test('a record of another size is refused by its name', () => {
  using directory = shmDirectory()
  openWords(directory.file('safe-calls'), 8)
  assert.throws(() => openCallRecord(directory.path), { code: 'SHARED_MEMORY_INVALID' })
})

const main = fileURLToPath(new URL('./main.ts', import.meta.url))

/** The real process, on this home. */
async function startProcess(root: string) {
  const environment = { OPENRACING_HOME: root }
  const child = spawn(process.execPath, [main], {
    env: { ...process.env, ...environment },
    stdio: ['pipe', 'ignore', 'pipe'],
  })
  const exited = once(child, 'exit')
  for await (const line of createInterface({ input: child.stderr })) {
    if ((JSON.parse(line) as { msg?: string }).msg === 'serving') break
  }
  child.stderr.resume()
  const client = connect(WasmRunnerServiceClient, `unix:${findHome(environment).socket('wasm-runner')}`)
  return {
    pid: child.pid as number,
    load: (request: LoadSafePluginRequest) =>
      call<LoadSafePluginResponse>((callback) => client.loadSafePlugin(request, callback)),
    loadOnCall: (request: LoadOnCallPluginRequest) =>
      call<LoadOnCallPluginResponse>((callback) => client.loadOnCallPlugin(request, callback)),
    execute: (id: string) =>
      call<RunActionResponse>((callback) =>
        client.runAction(RunActionRequest.fromPartial({ call: { plugin: id, action: 'hello' } }), callback),
      ),
    list: () =>
      call<ListSafePluginsResponse>((callback) => client.listSafePlugins({ violationsOnly: false }, callback)),
    async kill() {
      client.close()
      child.kill('SIGKILL')
      await exited
    },
  }
}

async function requestOf(root: string, id: string, guest: GuestModule): Promise<LoadSafePluginRequest> {
  const bytes = guestModule(guest)
  const path = join(root, `${id}.wasm`)
  await writeFile(path, bytes)
  return LoadSafePluginRequest.fromPartial({
    ...{ id, path, name: id, sha256: createHash('sha256').update(bytes).digest('hex') },
    ...{ capabilities: ['ReadTelemetry'], operations: ['TelemetryProcessor'] },
    ...{ maxExecutionTimeUs: 5000, maxMemoryBytes: 16_777_216n, updateRateHz: 200 },
  })
}

/** Resolves when none of its threads runs any more. */
async function stopped(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP')
  const tasks = `/proc/${pid}/task`
  const runs = (task: string): boolean => !/\) T /.test(readFileSync(`${tasks}/${task}/stat`, 'utf8'))
  while (readdirSync(tasks).some(runs)) await setImmediate()
}

/** Stops the process again and again, until it is at work for this plugin; there it stays. */
async function stopInside(pid: number, shmDir: string, id: string, work: Work = 'call'): Promise<void> {
  const words = openWords(join(shmDir, 'safe-calls'), 2048)
  const wanted = [work === 'call' ? 1 : 2, 0, 0, ...wordsOfId(id)].join()
  for (;;) {
    await stopped(pid)
    for (let place = 0; place < words.length; place += 8) {
      if (words.subarray(place + 1, place + 8).join() === wanted) return
    }
    process.kill(pid, 'SIGCONT')
    await setImmediate()
  }
}

test('a plugin in whose code the process was killed is charged with it when it is loaded again, and no other is', async () => {
  const root = await mkdtemp(join(tmpdir(), 'rig-'))
  const { shmDir } = findHome({ OPENRACING_HOME: root })
  const idle = await requestOf(root, first, {})
  const busy = await requestOf(root, second, { process: [...op.busy(1_000_000), ...op.i32(0)] })
  const killed = await startProcess(root)
  try {
    for (const request of [idle, busy]) await killed.load(request)
    await stopInside(killed.pid, shmDir, busy.id)
  } finally {
    await killed.kill()
  }
  const next = await startProcess(root)
  try {
    for (const request of [idle, busy]) await next.load(request)
    const crashes = (await next.list()).plugins.map(({ id, violations }) => [
      id,
      violations.filter(({ kind }) => kind === ViolationKind.VIOLATION_KIND_CRASH).map(({ detail }) => detail),
    ])
    assert.deepEqual(Object.fromEntries(crashes), {
      [idle.id]: [],
      [busy.id]: [endedInside],
    })
  } finally {
    await next.kill()
    await rm(root, { recursive: true })
    await rm(shmDir, { recursive: true, force: true })
  }
})

test('so is a plugin that is called; one that was being compiled is not compiled by the next process', async () => {
  const root = await mkdtemp(join(tmpdir(), 'rig-'))
  const { shmDir } = findHome({ OPENRACING_HOME: root })
  const requestFor = async (id: string, bytes: Uint8Array): Promise<LoadOnCallPluginRequest> => {
    const path = join(root, `${id}.wasm`)
    await writeFile(path, bytes)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const limits = { maxExecutionTimeUs: 5_000_000, maxMemoryBytes: 16_777_216n }
    return LoadOnCallPluginRequest.fromPartial({ id, name: id, path, sha256, ...limits })
  }
  const loops = '(func (export "execute") (param i32 i32) (result i32) (loop $l (br $l)) unreachable)'
  const action = await requestFor('busy_keys', actionModule(loops))
  const slowBytes = largeModule({ functions: slowFunctions(120, 12_000) })
  const slow = await requestFor('slow_keys', slowBytes)
  const refusal = (cause: unknown): boolean =>
    cause instanceof RigError &&
    /the process .* ended while it compiled slow_keys; install another build/.test(cause.detail)

  for (const [request, work] of [
    [action, 'call'],
    [slow, 'compile'],
  ] as const) {
    const killed = await startProcess(root)
    const gone: Promise<unknown>[] = []
    try {
      if (work === 'call') await killed.loadOnCall(request)
      const asked = work === 'call' ? killed.execute(request.id) : killed.loadOnCall(request)
      gone.push(assert.rejects(asked))
      await stopInside(killed.pid, shmDir, request.id, work)
    } finally {
      await killed.kill()
      await Promise.all(gone)
    }
    const next = await startProcess(root)
    try {
      await next.loadOnCall(action)
      const [keys] = (await next.list()).plugins
      const crashes = keys?.violations.map(({ kind, detail }) => [kind, detail])
      if (work === 'compile') {
        await assert.rejects(next.loadOnCall(slow), refusal)
        await next.loadOnCall(await requestFor(slow.id, actionModule()))
        const other = (await next.list()).plugins.find(({ id }) => id === slow.id)
        assert.deepEqual(other?.violations, [], 'another build is not charged with what that one did')
        await writeFile(slow.path, slowBytes)
        await assert.rejects(next.loadOnCall(slow), refusal)
      }
      if (work === 'call') assert.deepEqual(crashes, [[ViolationKind.VIOLATION_KIND_CRASH, endedInside]])
    } finally {
      await next.kill()
    }
  }
  await rm(root, { recursive: true })
  await rm(shmDir, { recursive: true, force: true })
})
