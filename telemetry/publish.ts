import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type {
  ForceSamples,
  PublishTelemetryResponse,
  TelemetryServiceClient,
} from '../gen/proto/openracing/v1/telemetry.ts'
import { toFailure } from '../rpc/client.ts'
import type { Recording, TelemetryRecord } from './record.ts'

/** Rate of the force samples in a record, Hz, and the highest that the rig takes. */
const forceRateHz = 1000

export interface PublishOptions {
  /** How many seconds of the recording pass in one second. 0.05..100. */
  readonly speed: number
  /** Begin again at the end, until `signal` aborts. */
  readonly loop: boolean
  readonly signal: AbortSignal
}

/**
 * Samples of a recording that runs at `speed`. Slower: the same samples at a lower rate, which the rig interpolates.
 * Faster: every `speed`-th sample at the full rate.
 */
export function retimeForce(samples: readonly number[], speed: number): ForceSamples | undefined {
  if (samples.length === 0) return undefined
  if (speed <= 1) return { samples, sampleRateHz: Math.max(1, Math.round(forceRateHz * speed)) }
  const count = Math.max(1, Math.round(samples.length / speed))
  const picked = Array.from(
    { length: count },
    (_, index) => samples[Math.min(samples.length - 1, Math.floor(index * speed))] as number,
  )
  return { samples: picked, sampleRateHz: forceRateHz }
}

async function* endlessly(
  recording: Recording,
  loop: boolean,
): AsyncGenerator<TelemetryRecord & { readonly dueMs: number }> {
  let passedMs = 0
  do {
    let lastMs = 0
    for (const record of recording.records()) {
      lastMs = record.atMs
      yield { ...record, dueMs: passedMs + record.atMs }
    }
    passedMs += lastMs + 1000 / recording.frameRateHz
  } while (loop)
}

/**
 * Publishes a recording at its own pace. Resolves with the rig's count when the recording or `signal` ends it; rejects
 * when the rig goes away.
 */
export async function publishRecording(
  client: TelemetryServiceClient,
  recording: Recording,
  { speed, loop, signal }: PublishOptions,
): Promise<PublishTelemetryResponse> {
  const { promise: answered, resolve, reject } = Promise.withResolvers<PublishTelemetryResponse>()
  const gone = new AbortController()
  const stream = client.publishTelemetry((error, response) => {
    gone.abort()
    if (error === null) resolve(response)
    else reject(toFailure(error))
  })
  stream.on('error', () => gone.abort())
  const either = AbortSignal.any([signal, gone.signal])
  const startMs = performance.now()

  for await (const { frame, force, dropped, dueMs } of endlessly(recording, loop)) {
    const waitMs = startMs + dueMs / speed - performance.now()
    if (waitMs > 1) await delay(waitMs, undefined, { signal: either }).catch(() => undefined)
    if (either.aborted) break
    if (frame === undefined && force.length === 0 && dropped === 0) continue // a menu: nothing to say
    const hasRoom = stream.write({ frame, force: retimeForce(force, speed), droppedPackets: dropped })
    if (!hasRoom) await once(stream, 'drain', { signal: either }).catch(() => undefined)
  }
  stream.end()
  return answered
}
