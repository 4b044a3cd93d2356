import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import {
  type Rig,
  type RigServiceServer,
  RigServiceService,
  type WatchLedsResponse,
  type WatchRigRequest,
  type WatchRigResponse,
} from '../../gen/proto/openracing/v1/rig.ts'
import { bind, type ServiceBinding } from '../../rpc/serve.ts'
import { serverStream } from '../../rpc/streaming.ts'
import { unary } from '../../rpc/unary.ts'
import type { Hub } from './hub.ts'
import { intervalWithin } from './interval.ts'
import type { LedFrames } from './led-frames.ts'
import type { RigStatus } from './rig-status.ts'

/** How often somebody who watches the LEDs is shown whether there is a new frame, ms: the period of 200 Hz, the fastest. */
const ledEveryMs = 5

export interface RigServiceNeeds {
  readonly status: RigStatus
  readonly hub: Hub
  readonly leds: LedFrames
}

function readRig({ status, hub, leds }: RigServiceNeeds): Rig {
  return { ...status.read(), telemetry: hub.intake(), leds: leds.latest() }
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

/** RigService over what the rig has in shared memory. */
export function rigService(needs: RigServiceNeeds, log: Logger): ServiceBinding {
  const implementation: RigServiceServer = {
    getRig: unary(() => ({ rig: readRig(needs) }), log),
    watchRig: serverStream((request, signal) => watchRig(needs, request, signal), log),
    watchLeds: serverStream((_, signal) => watchLeds(needs.leds, signal), log),
  }
  return bind(RigServiceService, implementation)
}
