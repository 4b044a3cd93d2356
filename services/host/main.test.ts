import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type ListPluginsResponse, PluginServiceClient, PluginState } from '../../gen/proto/openracing/v1/plugin.ts'
import { type GetRigResponse, type Rig, RigServiceClient } from '../../gen/proto/openracing/v1/rig.ts'
import {
  type ListServicesResponse,
  ServiceState,
  SupervisorServiceClient,
} from '../../gen/proto/openracing/v1/supervisor.ts'
import {
  type GetLatestTelemetryResponse,
  type PublishTelemetryResponse,
  TelemetryServiceClient,
  type WatchTelemetryResponse,
} from '../../gen/proto/openracing/v1/telemetry.ts'
import { call, connect } from '../../rpc/client.ts'
import { findHome } from '../../rpc/home.ts'
import { isAlive } from '../../test/alive.ts'
import { ready } from '../../test/host-ready.ts'
import { until } from '../../test/until.ts'
import { guestModule } from '../wasm-runner/testing/guest-module.ts'

// The whole platform, as `npm start` has it: real processes, sockets and shared memory.

const mainFile = fileURLToPath(new URL('main.ts', import.meta.url))

const leastManifest = `
id: 11111111-2222-4333-8444-555555555555
name: Least
version: 1.0.0
description: Passes everything on.
author: Somebody
license: MIT
class: Safe
capabilities: [ReadTelemetry, ModifyTelemetry]
operations: [TelemetryProcessor]
constraints: { max_execution_time_us: 1000, max_memory_bytes: 262144, update_rate_hz: 200 }
entry_points: { wasm_module: least.wasm }
`

const development = 'native: { require_signatures: false, allow_unsigned: true }'

function newRig(configText: string) {
  const root = mkdtempSync(join(tmpdir(), 'openracing-host-'))
  const environment = { ...process.env, OPENRACING_HOME: root }
  const home = findHome(environment)
  mkdirSync(home.pluginDir, { recursive: true })
  writeFileSync(home.configFile, configText)
  const started: ChildProcess[] = []
  const address = `unix:${home.socket('host')}`
  const clients = {
    rig: connect(RigServiceClient, address),
    plugins: connect(PluginServiceClient, address),
    supervisor: connect(SupervisorServiceClient, address),
    telemetry: connect(TelemetryServiceClient, address),
  }

  function start(): ChildProcess {
    const child = spawn(process.execPath, [mainFile], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
    started.push(child)
    return child
  }

  return {
    home,
    clients,
    start,
    addPlugin: (name: string, manifest: string) => {
      mkdirSync(join(home.pluginDir, name))
      writeFileSync(join(home.pluginDir, name, 'plugin.yaml'), manifest)
      writeFileSync(join(home.pluginDir, name, 'least.wasm'), guestModule())
    },
    addAction: (name: string) => {
      mkdirSync(join(home.pluginDir, name))
      const manifest = '[plugin]\nname = "keys"\nversion = "1.0.0"\ntype = "action"\nbinary = "libkeys.so"\n'
      writeFileSync(join(home.pluginDir, name, 'plugin.toml'), manifest)
    },
    /** Starts the host; resolves with the line that says that it is ready. */
    ready: async () => {
      const child = start()
      return { child, line: await ready(child) }
    },
    rig: async (): Promise<Rig> => (await call<GetRigResponse>((done) => clients.rig.getRig({}, done))).rig as Rig,
    services: async () =>
      (await call<ListServicesResponse>((done) => clients.supervisor.listServices({}, done))).services,
    plugins: async () => (await call<ListPluginsResponse>((done) => clients.plugins.listPlugins({}, done))).plugins,
    [Symbol.asyncDispose]: async () => {
      for (const client of Object.values(clients)) client.close()
      for (const child of started.filter((each) => each.exitCode === null && each.signalCode === null)) {
        child.kill('SIGTERM')
        await once(child, 'exit')
      }
      rmSync(home.shmDir, { recursive: true, force: true })
      rmSync(root, { recursive: true })
    },
  }
}

const rigWhen = (it: { rig(): Promise<Rig> }, what: string, wanted: (rig: Rig) => boolean): Promise<Rig> =>
  until(what, async () => {
    const rig = await it.rig()
    return wanted(rig) && rig
  })

async function ended(child: ChildProcess): Promise<number | null> {
  const [code] = await once(child, 'exit')
  return code
}

test('the rig starts with one line, runs what it should, and leaves nothing behind', { timeout: 60_000 }, async () => {
  await using it = newRig(`{ listen: '127.0.0.1:0', plugins: { ${development} } }`)
  it.addPlugin('least', leastManifest)
  it.addPlugin('broken', 'id: 5')
  it.addAction('native')
  const { child, line } = await it.ready()
  assert.match(
    line,
    /^openracing: ready in \d+ ms on unix:\/.*\/run\/host\.sock and 127\.0\.0\.1:\d+; 1 plugin running, 1 failed, 1 unsupported$/,
  )
  const services = await it.services()
  assert.deepEqual(
    services.map(({ name, state, restarts }) => [name, state, restarts]),
    ['trust', 'wasm-runner', 'dsp-helper'].map((name) => [name, ServiceState.SERVICE_STATE_RUNNING, 0]),
  )
  const [broken, native, least] = await it.plugins()
  assert.equal(broken?.state, PluginState.PLUGIN_STATE_FAILED)
  assert.match(broken?.detail ?? '', /broken\/plugin\.yaml/)
  assert.deepEqual(
    [native?.state, native?.name, native?.version],
    [PluginState.PLUGIN_STATE_UNSUPPORTED, 'keys', '1.0.0'],
  )
  assert.match(native?.detail ?? '', /^PLUGIN_UNSUPPORTED: .*native\/plugin\.toml describes a native MIDIMon action/)
  assert.equal(least?.state, PluginState.PLUGIN_STATE_RUNNING)
  const { loop, telemetry, leds } = await it.rig()
  assert.equal(loop?.running, true)
  assert.equal(telemetry?.frames, 0n)
  assert.equal(leds === undefined || leds.rgb.length % 3 === 0, true)

  let more = ''
  child.stdout?.on('data', (chunk) => {
    more += chunk
  })
  child.kill('SIGTERM')
  assert.equal(await ended(child), 0)
  assert.equal(more, '')
  for (const pid of [...services.map((service) => service.pid), loop?.pid as number])
    assert.ok(!isAlive(pid), `${pid} runs`)
  assert.equal(existsSync(it.home.shmDir), false)
})

/** Takes down a rig whose services were sent `signal` before; nothing of it may be left. */
async function takeDownAfter(signal: NodeJS.Signals, victims: readonly string[]): Promise<void> {
  await using it = newRig(`{ listen: '127.0.0.1:0' }`)
  const { child } = await it.ready()
  const loopPid = (await it.rig()).loop?.pid as number
  const services = await it.services()
  for (const { name, pid } of services) if (victims.includes(name)) process.kill(pid, signal)
  child.kill('SIGTERM')
  assert.equal(await ended(child), 0)
  for (const pid of [...services.map((service) => service.pid), loopPid]) assert.ok(!isAlive(pid), `${pid} runs`)
  assert.equal(existsSync(it.home.shmDir), false)
  assert.deepEqual(
    readdirSync(it.home.runtimeDir).filter((name) => name.endsWith('.sock')),
    [],
  )
}

test('a rig whose dsp-helper is dead leaves nothing behind either', { timeout: 60_000 }, () =>
  takeDownAfter('SIGKILL', ['dsp-helper']),
)

test('a rig whose services are all suspended leaves nothing behind either', { timeout: 60_000 }, () =>
  takeDownAfter('SIGSTOP', ['trust', 'wasm-runner', 'dsp-helper']),
)

test('what cannot start says why in one sentence and how it ended in its exit code', { timeout: 60_000 }, async () => {
  await using it = newRig(`{ listen: '127.0.0.1:0' }`)
  const { line } = await it.ready()
  const failure = async (child: ChildProcess): Promise<readonly [number | null, string]> => {
    const [code, stdout, stderr] = await Promise.all([
      ended(child),
      text(child.stdout as NodeJS.ReadableStream),
      text(child.stderr as NodeJS.ReadableStream),
    ])
    assert.equal(stdout, '')
    assert.equal(stderr.trimEnd().split('\n').length, 1, stderr)
    return [code, stderr]
  }

  const [sameHome, homeSentence] = await failure(it.start())
  assert.equal(sameHome, 5)
  assert.match(homeSentence, /^openracing: HOME_IN_USE: .*set OPENRACING_HOME/)
  assert.equal((await it.rig()).loop?.running, true)

  const port = /127\.0\.0\.1:(\d+)/.exec(line)?.[1]
  await using neighbour = newRig(`{ listen: '127.0.0.1:${port}' }`)
  const [samePort, portSentence] = await failure(neighbour.start())
  assert.equal(samePort, 5)
  assert.match(portSentence, new RegExp(`^openracing: ADDRESS_IN_USE: 127\\.0\\.0\\.1:${port} `))
  assert.equal(existsSync(neighbour.home.shmDir), false)

  await using misspelt = newRig('listn: 1')
  const [badConfig, configSentence] = await failure(misspelt.start())
  assert.equal(badConfig, 4)
  assert.match(configSentence, /^openracing: CONFIG_INVALID: .*config\.yaml:1:1: listn /)
  assert.equal(existsSync(misspelt.home.shmDir), false)
})

/** Sends `seconds` of a steady force as a game would, 60 packets a second; resolves with the rig's count. */
async function drive(
  client: TelemetryServiceClient,
  seconds: number,
  force: number,
): Promise<PublishTelemetryResponse> {
  const { promise, resolve, reject } = Promise.withResolvers<PublishTelemetryResponse>()
  const stream = client.publishTelemetry((error, response) => (error ? reject(error) : resolve(response)))
  for (let packet = 0; packet < seconds * 60; packet++) {
    const samples = new Array<number>(6).fill(force)
    stream.write({
      frame: frameOf(4000 + packet),
      force: { samples, sampleRateHz: 360 },
      droppedPackets: packet === 0 ? 3 : 0,
    })
    await delay(1000 / 60)
  }
  stream.write({ frame: frameOf(Number.NaN), force: undefined, droppedPackets: 9 })
  stream.end()
  return promise
}

const frameOf = (rpm: number) => ({
  timestampUs: 0n,
  sequence: 0n,
  flags: 0,
  knownFlags: 0,
  slipAngle: [],
  tireTemp: [],
  tirePressure: [],
  rpm,
  steeringAngle: 0.1,
})

test('what a game sends is in the rig, and its force at the wheel', { timeout: 60_000 }, async () => {
  await using it = newRig(`{ listen: '127.0.0.1:0', ffb: { gain: 0.5, max_torque_nm: 8, allow_high_torque: true } }`)
  await it.ready()
  const { telemetry } = it.clients
  const latestFrame = () => call<GetLatestTelemetryResponse>((done) => telemetry.getLatestTelemetry({}, done))
  await assert.rejects(latestFrame(), { code: 'TELEMETRY_NONE' })
  const watch = telemetry.watchTelemetry({ intervalMs: 10 })
  watch.on('error', () => {})
  const watched = once(watch, 'data')

  const driving = drive(telemetry, 1, 0.25)
  const { torque } = await rigWhen(
    it,
    'the force is at the wheel',
    (rig) => Math.abs((rig.torque?.outNm ?? 0) - 1) < 1e-3,
  )
  assert.equal(torque?.inNm, 2) // a quarter of 8 N·m
  const [{ frame }] = (await watched) as [WatchTelemetryResponse]
  assert.ok((frame?.rpm ?? 0) >= 4000)
  watch.cancel()

  const counted = await driving
  assert.deepEqual([counted.acceptedFrames, counted.refusedRequests], [60n, 1n])
  const latest = (await latestFrame()).frame
  assert.deepEqual([latest?.rpm, latest?.ffbScalar, latest?.sequence, latest?.throttle], [4059, 0.5, 60n, undefined])
  const rig = await rigWhen(it, 'the force has faded in the silence', ({ torque: now }) => now?.outNm === 0)
  assert.deepEqual([rig.telemetry?.frames, rig.telemetry?.droppedPackets], [60n, 3n])
  assert.equal(rig.loop?.refusedInputs, 0n)
})

test('a watcher that asks for an impossible interval is told which are possible', { timeout: 60_000 }, async () => {
  await using it = newRig(`{ listen: '127.0.0.1:0' }`)
  await it.ready()
  const watch = it.clients.rig.watchRig({ intervalMs: 5 })
  const refused = once(watch, 'error', { signal: AbortSignal.timeout(5000) })
  watch.on('error', () => {}).resume()
  const [error] = await refused
  assert.match(String(error.details), /^REQUEST_INVALID: interval_ms is 5; send 10 to 10000/)
})

test('a service that is killed is back with its plugins, and the loop goes on', { timeout: 60_000 }, async () => {
  await using it = newRig(`{ listen: '127.0.0.1:0', plugins: { ${development} } }`)
  it.addPlugin('least', leastManifest)
  await it.ready()
  const before = await it.rig()
  for (const name of ['wasm-runner', 'trust', 'dsp-helper']) {
    const pid = (await it.services()).find((service) => service.name === name)?.pid as number
    process.kill(pid, 'SIGKILL')
    await until(`${name} serves again`, async () => {
      const service = (await it.services()).find((each) => each.name === name)
      return service?.state === ServiceState.SERVICE_STATE_RUNNING && service.pid !== pid
    })
    await until('its plugin runs', async () => (await it.plugins())[0]?.state === PluginState.PLUGIN_STATE_RUNNING)
  }
  const services = await it.services()
  assert.ok(services.every(({ restarts, lastExit }) => restarts === 1 && lastExit === 'was ended by SIGKILL'))
  const after = await it.rig()
  assert.deepEqual([after.loop?.pid, after.loop?.generation], [before.loop?.pid, before.loop?.generation])
})

test('a data plane that was taken down is back and takes force again', { timeout: 60_000 }, async () => {
  await using it = newRig(`{ listen: '127.0.0.1:0' }`)
  await it.ready()
  const first = (await it.rig()).loop?.pid
  const pid = (await it.services()).find((service) => service.name === 'dsp-helper')?.pid as number
  process.kill(pid, 'SIGTERM')
  await rigWhen(it, 'another loop runs', ({ loop }) => loop?.running === true && loop.pid !== first)
  await until('every service runs', async () =>
    (await it.services()).every(({ state }) => state === ServiceState.SERVICE_STATE_RUNNING),
  )
  const driving = drive(it.clients.telemetry, 1, 0.5)
  await rigWhen(it, 'the force comes in', ({ torque }) => (torque?.inNm ?? 0) > 2)
  await driving
})

test('a host that is killed leaves the loop ticking, and the next host takes it over', {
  timeout: 60_000,
}, async () => {
  await using it = newRig(`{ listen: '127.0.0.1:0', plugins: { ${development} } }`)
  it.addPlugin('least', leastManifest)
  const { child } = await it.ready()
  const services = await it.services()
  const before = (await it.rig()).loop
  child.kill('SIGKILL')
  await until('the services are gone', () => services.every(({ pid }) => !isAlive(pid)))
  assert.ok(isAlive(before?.pid as number))
  const { line } = await it.ready()
  assert.match(line, /; 1 plugin running$/)
  const after = (await it.rig()).loop
  assert.deepEqual([after?.running, after?.pid, after?.generation], [true, before?.pid, before?.generation])
  assert.ok((after?.ticks ?? 0n) > (before?.ticks ?? 0n))
})
