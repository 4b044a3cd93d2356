import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { credentials, makeGenericClientConstructor } from '@grpc/grpc-js'
import { service as healthService } from 'grpc-health-check'
import { PluginState } from '../../gen/proto/openracing/v1/plugin.ts'
import {
  AdjustSafePluginRequest,
  type CarryRequestsResponse,
  type ListSafePluginsResponse,
  LoadSafePluginRequest,
  type LoadSafePluginResponse,
  WasmRunnerServiceClient,
} from '../../gen/proto/openracing/v1/wasm_runner.ts'
import { call, connect } from '../../rpc/client.ts'
import { RigError } from '../../rpc/failure.ts'
import { findHome } from '../../rpc/home.ts'
import { guestModule, op } from './testing/guest-module.ts'
import { fetchingModule } from './testing/network-guests.ts'
import { buildSample } from './testing/samples.ts'

const main = fileURLToPath(new URL('./main.ts', import.meta.url))

const begin = (environment: NodeJS.ProcessEnv): ChildProcess =>
  spawn(process.execPath, [main], { env: { ...process.env, ...environment }, stdio: ['pipe', 'ignore', 'pipe'] })

/** Resolves with the first line of the log that says `message`. */
async function logged(child: ChildProcess, message: string): Promise<Record<string, unknown>> {
  for await (const line of createInterface({ input: child.stderr! })) {
    const entry = JSON.parse(line) as Record<string, unknown>
    if (entry.msg === message) return entry
  }
  throw new Error(`the process ended without saying "${message}"`)
}

/** The real process, on a home of its own. */
async function startProcess() {
  const root = await mkdtemp(join(tmpdir(), 'rig-'))
  const environment = { OPENRACING_HOME: root }
  const home = findHome(environment)
  const child = begin(environment)
  const exited = once(child, 'exit')
  await logged(child, 'serving')
  child.stderr?.resume()
  const address = `unix:${home.socket('wasm-runner')}`
  const client = connect(WasmRunnerServiceClient, address)
  return {
    child,
    client,
    address,
    exited,
    async request(bytes: Uint8Array, part: Partial<LoadSafePluginRequest> = {}): Promise<LoadSafePluginRequest> {
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      const path = join(root, `${sha256}.wasm`)
      await writeFile(path, bytes)
      return LoadSafePluginRequest.fromPartial({
        id: '972e3c8b-0863-4d03-a036-0f7ad62047d4',
        name: 'rpm-leds',
        path,
        sha256,
        capabilities: ['ReadTelemetry', 'ControlLeds'],
        operations: ['LedMapper'],
        maxExecutionTimeUs: 5000,
        maxMemoryBytes: 16_777_216n,
        updateRateHz: 60,
        ...part,
      })
    },
    load: (request: LoadSafePluginRequest) =>
      call<LoadSafePluginResponse>((callback) => client.loadSafePlugin(request, callback)),
    list: () =>
      call<ListSafePluginsResponse>((callback) => client.listSafePlugins({ violationsOnly: false }, callback)),
    async [Symbol.asyncDispose]() {
      client.close()
      child.kill('SIGKILL')
      await exited
      await rm(root, { recursive: true })
      await rm(home.shmDir, { recursive: true, force: true })
    },
  }
}

test('the largest answer that the network may have passes through the stream', async () => {
  await using runner = await startProcess()
  const stream = runner.client.carryRequests()
  stream.on('error', () => {}) // it ends with the process
  const wishes = stream[Symbol.asyncIterator]() as AsyncIterator<CarryRequestsResponse>
  const ask = { method: 'GET', url: 'http://a.test/' }
  await runner.load(
    await runner.request(fetchingModule(ask, 'a.test:9'), {
      ...{ capabilities: ['ReadTelemetry', 'Network'], operations: ['TelemetryProcessor'] },
      network: ['a.test', 'a.test:9'],
    }),
  )
  const asked = (await wishes.next()).value as CarryRequestsResponse
  assert.equal(asked.wish?.$case, 'http')
  const headers = Array.from({ length: 64 }, () => ({ name: 'x', value: 'é'.repeat(255) }))
  const value = { status: 200, headers, body: Buffer.alloc(1 << 20, 'x') }
  stream.write({ number: asked.number, outcome: { $case: 'response', value } })
  const next = (await wishes.next()).value as CarryRequestsResponse
  assert.equal(next.wish?.$case, 'datagram', 'which the plugin sends once it has its answer')
})

test('a plugin is loaded, counted and unloaded by the calls of the host', async () => {
  await using runner = await startProcess()
  const request = await runner.request(await buildSample('rpm-leds'))
  assert.deepEqual(await runner.load(request), { abi: 'openracing-sdk-1' })
  let plugins = (await runner.list()).plugins
  while ((plugins[0]?.statistics?.executions ?? 0n) === 0n) plugins = (await runner.list()).plugins
  assert.equal(plugins[0]?.id, request.id)
  assert.equal(plugins[0]?.state, PluginState.PLUGIN_STATE_RUNNING)
  await call((callback) => runner.client.unloadSafePlugin({ id: request.id }, callback))
  assert.deepEqual((await runner.list()).plugins, [])
})

test('a refusal reaches the host under its own name', async () => {
  await using runner = await startProcess()
  const failure = async (request: LoadSafePluginRequest): Promise<unknown> =>
    runner.load(request).then(
      () => 'loaded',
      (cause) => (cause instanceof RigError ? cause.code : cause),
    )
  const good = await runner.request(guestModule())
  assert.equal(await failure({ ...good, updateRateHz: 1000 }), 'REQUEST_INVALID')
  assert.equal(await failure({ ...good, path: '/nowhere.wasm' }), 'FILE_MISSING')
  assert.equal(await failure(await runner.request(Buffer.from('no module'))), 'PLUGIN_INVALID')
  assert.equal(await failure(await runner.request(guestModule({ initialize: op.trap }))), 'PLUGIN_FAILED')
})

test('health checks are answered while plugins loop', async () => {
  await using runner = await startProcess()
  const Health = makeGenericClientConstructor(healthService, 'grpc.health.v1.Health')
  const health = new Health(runner.address, credentials.createInsecure())
  const check = (): Promise<{ status: string }> => call((callback) => health.check!({ service: '' }, callback))
  assert.equal((await check()).status, 'SERVING')
  const request = await runner.request(guestModule({ initialize: [...op.loopForever, ...op.i32(0)] }))
  let looping = true
  const beganMs = performance.now()
  // Each loops until it has used the fuel of a load, which is meant for 50 ms.
  const loads = Array.from({ length: 20 }, () => runner.load({ ...request, id: randomUUID() }))
  const loaded = Promise.allSettled(loads).then((settled) => {
    looping = false
    return settled
  })
  let checks = 0
  let slowestMs = 0
  while (looping) {
    const askedMs = performance.now()
    assert.equal((await check()).status, 'SERVING')
    slowestMs = Math.max(slowestMs, performance.now() - askedMs)
    checks++
    await delay(10)
  }
  health.close()
  const loopedMs = performance.now() - beganMs
  assert.ok((await loaded).every(({ status }) => status === 'rejected'))
  assert.ok(checks > 5, `${checks} checks were answered in ${loopedMs} ms`)
  assert.ok(slowestMs < loopedMs / 2, `the slowest answer took ${slowestMs} of ${loopedMs} ms`)
})

test('the runner ends when its host is gone', async () => {
  await using runner = await startProcess()
  await runner.load(await runner.request(guestModule()))
  runner.child.stdin?.end()
  assert.deepEqual(await runner.exited, [0, null])
})

test('the runner ends when it is asked to, though its host holds its stdin open', async () => {
  await using runner = await startProcess()
  await runner.load(await runner.request(guestModule()))
  runner.child.kill('SIGTERM')
  assert.deepEqual(await runner.exited, [0, null])
})

for (const count of ['0', '65', '-1', 'many', '1e1']) {
  test(`a rim of ${count} LEDs is refused before anything starts`, async () => {
    const child = begin({ OPENRACING_HOME: join(tmpdir(), 'never-made'), OPENRACING_LED_COUNT: count })
    const exited = once(child, 'exit')
    const { err } = await logged(child, 'cannot serve')
    assert.match((err as { message: string }).message, /CONFIG_INVALID: OPENRACING_LED_COUNT is .* 1 to 64/)
    assert.deepEqual(await exited, [4, null])
  })
}

test('the host slows a plugin down, and takes from it what it had, over the call for that', async () => {
  await using runner = await startProcess()
  const request = await runner.request(await buildSample('rpm-leds'), { initialRateHz: 0 })
  await runner.load(request)
  const state = async () => (await runner.list()).plugins[0]?.state
  const adjust = (part: Partial<AdjustSafePluginRequest>) =>
    call((callback) =>
      runner.client.adjustSafePlugin(AdjustSafePluginRequest.fromPartial({ id: request.id, ...part }), callback),
    )
  assert.equal(await state(), PluginState.PLUGIN_STATE_LOADED)
  await adjust({ updateRateHz: 30, capabilities: ['ReadTelemetry'] })
  assert.equal(await state(), PluginState.PLUGIN_STATE_THROTTLED)
  const [plugin] = (await runner.list()).plugins
  assert.match(plugin!.detail, /30 Hz.*; LedMapper is not run: ControlLeds is not granted/)
  assert.equal(plugin!.statistics?.executions, 0n)
  await assert.rejects(adjust({ id: 'nobody' }), /PLUGIN_UNKNOWN: no plugin "nobody" is loaded; load it first/)
  await assert.rejects(adjust({ updateRateHz: 1000 }), /REQUEST_INVALID: update_rate_hz is 1000; send 0 to 200/)
})
