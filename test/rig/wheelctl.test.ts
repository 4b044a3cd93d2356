import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type PublishTelemetryResponse, TelemetryServiceClient } from '../../gen/proto/openracing/v1/telemetry.ts'
import { call, connect, within } from '../../rpc/client.ts'
import { inTime, until } from '../until.ts'
import { commandFile, runWheelctl } from '../wheelctl.ts'
import { isRunning, startRig } from './rig.ts'

const recording = fileURLToPath(new URL('../../../shared/data/telemetry/gt7_demo_368.gtz', import.meta.url))
const skip = existsSync(recording) ? false : `the recordings are not beside this checkout (${recording})`

test('wheelctl says which version it is', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  assert.equal((await promisify(execFile)(commandFile('wheelctl'), ['--version'])).stdout, `${version}\n`)
})

test('plugins, services and the loop are listed for people and for programs, under both names of the command', async () => {
  await using rig = await startRig()
  const people = await runWheelctl(rig.rig.home, ['plugin', 'list'])
  assert.match(people.stdout, /^NAME +CLASS +VERSION +STATE/)
  assert.match(people.stdout, /^lowpass +Fast +1\.0\.0 +running +1000 Hz/m)
  const programs = JSON.parse((await runWheelctl(rig.rig.home, ['plugin', 'list', '--json'], 'openracing-cli')).stdout)
  assert.deepEqual(programs.map((plugin: { name: string }) => plugin.name).sort(), ['lowpass', 'rpm-leds', 'slip-ffb'])
  const lowpass = programs.find((plugin: { name: string }) => plugin.name === 'lowpass')
  assert.deepEqual([lowpass.state, lowpass.pluginClass, lowpass.goal], ['running', 'Fast', 'running'])
  assert.match((await runWheelctl(rig.rig.home, ['service', 'list'])).stdout, /^wasm-runner +running +\d+ +0$/m)
  const { loop } = JSON.parse((await runWheelctl(rig.rig.home, ['rig', 'status', '--json'])).stdout)
  assert.deepEqual([loop.running, loop.waiting], [true, 'predictive'])
  assert.match((await runWheelctl(rig.rig.home, ['rig', 'status'])).stdout, /^loop +running, pid \d+$/m)
})

/** Sends this many samples of force in one request, as a game would send a second of it at most. */
async function sendForce(client: TelemetryServiceClient, samples: number): Promise<void> {
  const force = { samples: new Array<number>(samples).fill(0.1), sampleRateHz: 1000 }
  await call<PublishTelemetryResponse>((done) =>
    client.publishTelemetry(...within(5000), done).end({ frame: undefined, force, droppedPackets: 0 }),
  )
}

test('force that ran dry, came too early or was not taken by the loop is shown to people and to programs', async () => {
  await using rig = await startRig(({ configFile }) => appendFileSync(configFile, '\ntelemetry: { input: external }\n'))
  const { home } = rig.rig
  using clean = new DisposableStack()
  const client = clean.adopt(connect(TelemetryServiceClient, `unix:${home.socket('host')}`), (it) => it.close())
  const shown = async () => JSON.parse((await runWheelctl(home, ['rig', 'status', '--json'])).stdout).telemetry
  const none = await shown()
  assert.deepEqual([none.forceUnderruns, none.droppedForceSamples, none.droppedForceFrames], [0, 0, 0])

  await until('a sample comes after the one before it is over', async () => {
    await sendForce(client, 1)
    return (await shown()).forceUnderruns > 0
  })
  await until('a second of force comes before the one before it is over', async () => {
    await sendForce(client, 1000)
    await sendForce(client, 1000)
    return (await shown()).droppedForceSamples > 0
  })
  assert.ok((await shown()).droppedForceFrames > 0, 'the hub is not the one who feeds the loop')
  assert.match(
    (await runWheelctl(home, ['rig', 'status'])).stdout,
    /^force +[1-9]\d* underruns, [1-9]\d* samples too early and dropped, [1-9]\d* frames not taken by the loop$/m,
  )
})

test('a watch whose reader has seen enough ends without a word', async () => {
  await using rig = await startRig()
  const env = { ...process.env, OPENRACING_HOME: rig.rig.home.configDir }
  const watch = spawn(commandFile('wheelctl'), ['rig', 'status', '--watch', '--interval', '10'], { env })
  const ended = once(watch, 'exit')
  const said = text(watch.stderr)
  await inTime('it prints', once(watch.stdout, 'data'))
  watch.stdout.destroy()
  assert.deepEqual(await inTime('it ends', ended), [0, null])
  assert.equal(await said, '')
})

test('a recording is recognised by its content, published to its end, and counted', { skip }, async () => {
  await using rig = await startRig()
  const { stderr, stdout } = await runWheelctl(rig.rig.home, ['telemetry', 'replay', recording, '--speed', '40'])
  assert.equal(stdout, '')
  assert.match(stderr, /Gran Turismo 7/)
  assert.match(stderr, /^6914 frames published, 0 refused$/m)
  const { telemetry } = JSON.parse((await runWheelctl(rig.rig.home, ['rig', 'status', '--json'])).stdout)
  assert.equal(telemetry.frames, 6914)
  assert.ok((await rig.plugins()).every(isRunning))
})
