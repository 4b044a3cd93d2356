import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TelemetryServiceClient } from '../../gen/proto/openracing/v1/telemetry.ts'
import { connect } from '../../rpc/client.ts'
import { lapSimulator } from '../../telemetry/lap-simulator.ts'
import { publishRecording } from '../../telemetry/publish.ts'
import { until } from '../until.ts'
import { isRunning, killService, type RigUnderTest, startRig, watchLoop } from './rig.ts'

/** Drives laps until it is told to stop. */
function drive(rig: RigUnderTest): { stop(): Promise<void> } {
  const client = connect(TelemetryServiceClient, `unix:${rig.rig.home.socket('host')}`)
  const ended = new AbortController()
  const driven = publishRecording(client, lapSimulator(), { speed: 1, loop: true, signal: ended.signal })
  return {
    stop: async () => {
      ended.abort()
      await driven
      client.close()
    },
  }
}

test('each service that is killed is back and serving, and the loop has not missed a number', async () => {
  await using rig = await startRig()
  const driving = drive(rig)
  await until('every plugin was called', async () =>
    (await rig.plugins()).every((plugin) => (plugin.statistics?.executions ?? 0n) > 0n),
  )
  const lowpass = await rig.plugin('lowpass')
  const loop = watchLoop(rig.rig.home)

  for (const service of ['trust', 'wasm-runner', 'dsp-helper']) {
    await killService(rig, service)
    await until(`every plugin runs after ${service} was killed`, async () => (await rig.plugins()).every(isRunning))
  }
  await until(
    'Safe plugins are called again',
    async () => ((await rig.plugin('rpm-leds')).statistics?.executions ?? 0n) > 10n,
  )

  const before = loop.ticks()
  await until('the loop goes on', () => loop.gaps().length > 0 || loop.ticks() > before + 100)
  assert.deepEqual(loop.gaps(), [])
  const after = await rig.plugin('lowpass')
  assert.equal(after.statistics?.restarts, 0, 'the process of the Fast plugin was adopted, not replaced')
  assert.ok((after.statistics?.executions ?? 0n) > (lowpass.statistics?.executions ?? 0n))
  loop.close()
  await driving.stop()
})

test('a service that is suspended is noticed, ended and replaced', async () => {
  await using rig = await startRig()
  const before = await rig.service('wasm-runner')
  process.kill(before.pid, 'SIGSTOP')
  await until('another wasm-runner serves', async () => {
    const now = await rig.service('wasm-runner')
    return now.pid !== 0 && now.pid !== before.pid && now.restarts > before.restarts
  })
  await until('its plugins run again', async () => (await rig.plugins()).every(isRunning))
})
