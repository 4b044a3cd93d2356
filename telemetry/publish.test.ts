import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import pino from 'pino'
import {
  type PublishTelemetryRequest,
  TelemetryFrame,
  TelemetryServiceClient,
  type TelemetryServiceServer,
  TelemetryServiceService,
} from '../gen/proto/openracing/v1/telemetry.ts'
import { connect } from '../rpc/client.ts'
import type { RigError } from '../rpc/failure.ts'
import { findHome } from '../rpc/home.ts'
import { bind, serve } from '../rpc/serve.ts'
import { publishRecording, retimeForce } from './publish.ts'
import type { Recording } from './record.ts'

const log = pino({ level: 'silent' })

interface Hub extends AsyncDisposable {
  readonly client: TelemetryServiceClient
  readonly received: PublishTelemetryRequest[]
  close(): Promise<void>
}

/** A telemetry service that keeps what it gets. */
async function startHub(): Promise<Hub> {
  const directory = mkdtempSync(join(tmpdir(), 'openracing-publish-'))
  const received: PublishTelemetryRequest[] = []
  const implementation: TelemetryServiceServer = {
    publishTelemetry: (call, callback) => {
      call.on('data', (request: PublishTelemetryRequest) => received.push(request))
      call.on('end', () => callback(null, { acceptedFrames: BigInt(received.length), refusedRequests: 0n }))
    },
    getLatestTelemetry: (_, callback) => callback(null, { frame: undefined }),
    watchTelemetry: (call) => call.end(),
  }
  const server = await serve({
    service: 'host',
    home: findHome({ OPENRACING_HOME: directory }),
    definitions: [bind(TelemetryServiceService, implementation)],
    log,
    closeGraceMs: 0,
  })
  const client = connect(TelemetryServiceClient, server.addresses[0] as string)
  return {
    client,
    received,
    close: server.close,
    [Symbol.asyncDispose]: async () => {
      client.close()
      await server.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** `count` frames, 10 ms apart, each with ten samples of its own number. */
const recordingOf = (count: number): Recording => ({
  kind: 'lap-simulator',
  game: 'test',
  frameRateHz: 100,
  *records() {
    for (let index = 0; index < count; index++) {
      yield {
        atMs: index * 10,
        frame: TelemetryFrame.fromPartial({ rpm: index }),
        force: Array(10).fill(index / count),
        dropped: index % 2,
      }
    }
  },
})

test('every record arrives, in its order, with its force and what was dropped', async () => {
  await using hub = await startHub()
  const options = { speed: 1, loop: false, signal: new AbortController().signal }
  const { acceptedFrames } = await publishRecording(hub.client, recordingOf(20), options)
  assert.equal(acceptedFrames, 20n)
  assert.deepEqual(
    hub.received.map(({ frame }) => frame?.rpm),
    Array.from({ length: 20 }, (_, index) => index),
  )
  assert.deepEqual(
    hub.received.map(({ force }) => force?.samples.length),
    Array(20).fill(10),
  )
  assert.equal(
    hub.received.reduce((sum, request) => sum + request.droppedPackets, 0),
    10,
  )
})

test('a loop begins again at the end until it is told to stop', async () => {
  await using hub = await startHub()
  const ended = new AbortController()
  const publishing = publishRecording(hub.client, recordingOf(3), { speed: 100, loop: true, signal: ended.signal })
  while (hub.received.length < 9) await new Promise(setImmediate)
  ended.abort()
  await publishing
  assert.deepEqual(
    hub.received.slice(0, 9).map(({ frame }) => frame?.rpm),
    [0, 1, 2, 0, 1, 2, 0, 1, 2],
  )
})

test('a hub that goes away ends the replay with SERVICE_UNAVAILABLE', async () => {
  await using hub = await startHub()
  const publishing = publishRecording(hub.client, recordingOf(3), {
    speed: 1,
    loop: true,
    signal: new AbortController().signal,
  })
  const rejected = assert.rejects(publishing, (error: RigError) => error.code === 'SERVICE_UNAVAILABLE')
  while (hub.received.length === 0) await new Promise(setImmediate)
  await hub.close()
  await rejected
})

test('at any speed the samples last as long as their record does, and none is made up', () => {
  const samples = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 10, maxLength: 50 })
  fc.assert(
    fc.property(samples, fc.double({ min: 0.05, max: 10, noNaN: true }), (given, speed) => {
      const retimed = retimeForce(given, speed)
      assert.ok(retimed !== undefined && retimed.sampleRateHz >= 1 && retimed.sampleRateHz <= 1000)
      assert.ok(retimed.samples.every((sample) => given.includes(sample)))
      const wantedMs = given.length / speed
      const lastsMs = (retimed.samples.length / retimed.sampleRateHz) * 1000
      // A sample more or less, or the rounding of a low rate to whole Hz.
      assert.ok(Math.abs(lastsMs - wantedMs) <= Math.max(1, wantedMs * 0.02), `${lastsMs} for ${wantedMs} ms`)
    }),
  )
  assert.equal(retimeForce([], 1), undefined)
})
