import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import {
  type Degradation,
  type Estop as EstopMessage,
  type Limits,
  type Rig,
  type RigServiceServer,
  RigServiceService,
  type WatchLedsResponse,
  type WatchRigRequest,
  type WatchRigResponse,
} from '../../gen/proto/openracing/v1/rig.ts'
import type { Frozen } from '../../input/freeze.ts'
import { bind, type ServiceBinding } from '../../rpc/serve.ts'
import { serverStream } from '../../rpc/streaming.ts'
import { unary } from '../../rpc/unary.ts'
import type { Estop, EstopStanding } from '../../state/estop.ts'
import type { Config } from './config.ts'
import type { Hub } from './hub.ts'
import { intervalWithin } from './interval.ts'
import type { LedFrames } from './led-frames.ts'
import { type LoopStreamNeeds, watchLoop } from './loop-stream.ts'
import type { RigReading, RigStatus } from './rig-status.ts'

/** How often somebody who watches the LEDs is shown whether there is a new frame, ms: the period of 200 Hz, the fastest. */
const ledEveryMs = 5

export interface RigServiceNeeds extends LoopStreamNeeds {
  readonly status: RigStatus
  readonly hub: Hub
  readonly leds: LedFrames
  readonly estop: Estop
  readonly ffb: Frozen<Config['ffb']>
  /** What the rig lacks for want of a service. */
  readonly degraded: () => readonly Degradation[]
}

const limitsOf = ({ gain, maxTorqueNm, maxSlewNmPerS, allowHighTorque }: Frozen<Config['ffb']>): Limits => ({
  gain,
  maxTorqueNm,
  maxSlewNmPerS,
  highTorqueAllowed: allowHighTorque,
})

const estopOf = ({ engaged, warning }: EstopStanding, { estopped, loop }: RigReading): EstopMessage => ({
  engaged: engaged !== null,
  sinceUnixMs: BigInt(engaged?.sinceMs ?? 0),
  reason: engaged?.reason ?? '',
  inForce: estopped,
  warning,
  drivingPid: engaged !== null && !estopped && loop.running ? loop.pid : 0,
})

/** The rig as it is now. */
export function readRig({ status, hub, leds, estop, ffb, degraded }: RigServiceNeeds): Rig {
  const reading = status.read()
  const { estopped: _, ...rig } = reading
  return {
    ...rig,
    telemetry: hub.intake(),
    leds: leds.latest(),
    estop: estopOf(estop.standing(), reading),
    limits: limitsOf(ffb),
    degraded: degraded(),
  }
}

async function* watchRig(
  needs: RigServiceNeeds,
  request: WatchRigRequest,
  signal: AbortSignal,
): AsyncGenerator<WatchRigResponse, void, undefined> {
  const intervalMs = intervalWithin(request.intervalMs, { minimum: 10, maximum: 10_000, usual: 100 })
  for (;;) {
    yield { rig: readRig(needs) }
    await delay(intervalMs, undefined, { signal })
  }
}

async function* watchLeds(leds: LedFrames, signal: AbortSignal): AsyncGenerator<WatchLedsResponse, void, undefined> {
  let shown = 0n
  for (;;) {
    const frame = leds.latest()
    if (frame !== undefined && frame.sequence !== shown) {
      shown = frame.sequence
      yield { frame }
    }
    await delay(ledEveryMs, undefined, { signal })
  }
}

/**
 * How long the loop may take to say that it has heard of the emergency stop, ms: two ticks, and for one whose cell somebody
 * removed the time until it notices and ends.
 */
const heardWithinMs = 500

/** The stop as it is when the loop has heard of it; there may be no loop, which then has not. */
async function untilHeard({ status, estop }: RigServiceNeeds): Promise<EstopMessage> {
  const { engaged } = estop.standing()
  const isHeard = (): boolean => status.read().estopped === (engaged !== null)
  const startMs = performance.now()
  while (!isHeard() && status.read().loop.running && performance.now() - startMs < heardWithinMs) await delay(1)
  return estopOf(estop.standing(), status.read())
}

/** RigService over what the rig has in shared memory. */
export function rigService(needs: RigServiceNeeds, log: Logger): ServiceBinding {
  const { estop } = needs
  const implementation: RigServiceServer = {
    engageEstop: unary(async ({ reason }) => {
      const before = estop.standing().engaged
      const { engaged, warning } = estop.engage(reason)
      if (before === null) log.warn({ reason: engaged?.reason, warning }, 'emergency stop engaged')
      return { estop: await untilHeard(needs) }
    }, log),
    clearEstop: unary(async () => {
      estop.clear()
      log.warn('emergency stop cleared')
      return { estop: await untilHeard(needs) }
    }, log),
    watchLoop: serverStream((request, signal) => watchLoop(needs, request, signal), log),
    getRig: unary(() => ({ rig: readRig(needs) }), log),
    watchRig: serverStream((request, signal) => watchRig(needs, request, signal), log),
    watchLeds: serverStream((_, signal) => watchLeds(needs.leds, signal), log),
  }
  return bind(RigServiceService, implementation)
}
