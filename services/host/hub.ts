import type { Logger } from 'pino'
import type { TelemetryIntake } from '../../gen/proto/openracing/v1/rig.ts'
import type { ForceSamples, PublishTelemetryRequest, TelemetryFrame } from '../../gen/proto/openracing/v1/telemetry.ts'
import { cutToBytes, encodeTelemetryFrame, idBytesMax } from '../../shm/telemetry-frame.ts'
import { createForcePlayout } from './force-playout.ts'
import { encodeInputFrames } from './input-frame.ts'
import type { RigMemory } from './rig-memory.ts'
import { telemetryProblem } from './telemetry-check.ts'

/** How often force that came early is looked at again, ms: well within the 80 ms for which it is handed out ahead. */
const handOutEveryMs = 20

export interface HubNeeds {
  readonly memory: Pick<RigMemory, 'publishTelemetry' | 'pushInput'>
  /** 0..1, what a frame says of the strength of the rig. */
  readonly gain: number
  /** What a force sample of 1 stands for, N·m. */
  readonly maxTorqueNm: number
  /** CLOCK_MONOTONIC, ns. */
  readonly nowNs: () => bigint
  readonly log: Logger
}

/** What was done with a request. `empty` had no frame, and nothing wrong. */
export type Outcome = 'accepted' | 'refused' | 'empty'

/** Takes telemetry from whoever has some and gives it to everything in the rig. */
export interface Hub {
  /** Checks a request and, where nothing is wrong with it, publishes its frame and plays its force. Never throws. */
  accept(request: PublishTelemetryRequest): Outcome
  /** The newest frame as it was sent, with what the hub sets. */
  latest(): TelemetryFrame | undefined
  intake(): TelemetryIntake
  /** Plays no more force. May be called twice. */
  close(): void
}

const cutId = (id: string | undefined): string | undefined =>
  id === undefined ? undefined : cutToBytes(id, idBytesMax)

export function createHub({ memory, gain, maxTorqueNm, nowNs, log }: HubNeeds): Hub {
  const playout = createForcePlayout()
  let latest: TelemetryFrame | undefined
  let angle = 0
  let frames = 0n
  let droppedPackets = 0n
  let droppedForce = 0
  let refused = 0
  let later: NodeJS.Timeout | undefined
  let closed = false

  function publish(sent: TelemetryFrame): void {
    frames += 1n
    latest = {
      ...sent,
      sequence: frames,
      ffbScalar: gain,
      flags: (sent.flags & sent.knownFlags) >>> 0,
      carId: cutId(sent.carId),
      trackId: cutId(sent.trackId),
      sessionId: cutId(sent.sessionId),
    }
    angle = sent.steeringAngle ?? angle
    memory.publishTelemetry(encodeTelemetryFrame(latest))
  }

  function handOut(): void {
    later = undefined
    const due = playout.take(nowNs())
    const lost = due.length === 0 ? 0 : memory.pushInput(encodeInputFrames(due, maxTorqueNm))
    // Without a loop the ring fills up: said once, it is the data plane's to be repaired.
    if (lost > 0 && droppedForce === 0) log.warn({ lost }, 'the loop takes no force; it is dropped')
    droppedForce += lost
    if (playout.isWaiting() && !closed) later = setTimeout(handOut, handOutEveryMs)
  }

  function play({ samples, sampleRateHz }: ForceSamples): void {
    if (samples.length === 0) return
    playout.accept({ samples, rateHz: sampleRateHz, angle }, nowNs())
    clearTimeout(later)
    handOut()
  }

  function refuse(problem: string): Outcome {
    // Each at debug, the first also for an operator who looks at nothing else.
    log[refused === 0 ? 'warn' : 'debug']({ problem }, 'telemetry refused')
    refused += 1
    return 'refused'
  }

  return {
    accept(request) {
      const problem = telemetryProblem(request)
      if (problem !== undefined) return refuse(problem)
      droppedPackets += BigInt(request.droppedPackets)
      if (request.frame !== undefined) publish(request.frame)
      if (request.force !== undefined) play(request.force)
      return request.frame === undefined ? 'empty' : 'accepted'
    },
    latest: () => latest,
    intake: () => ({
      frames,
      droppedPackets,
      forceUnderruns: BigInt(playout.underruns()),
      droppedForceSamples: BigInt(playout.dropped()),
      droppedForceFrames: BigInt(droppedForce),
      rpm: latest?.rpm ?? 0,
      maxRpm: latest?.maxRpm ?? 0,
      speedMs: latest?.speedMs ?? 0,
      gear: latest?.gear ?? 0,
    }),
    close() {
      closed = true
      clearTimeout(later)
    },
  }
}
