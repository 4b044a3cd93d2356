import { setTimeout as delay } from 'node:timers/promises'
import type { handleClientStreamingCall } from '@grpc/grpc-js'
import type { Logger } from 'pino'
import {
  type PublishTelemetryRequest,
  type PublishTelemetryResponse,
  type TelemetryFrame,
  type TelemetryServiceServer,
  TelemetryServiceService,
  type WatchTelemetryRequest,
  type WatchTelemetryResponse,
} from '../../gen/proto/openracing/v1/telemetry.ts'
import { RigError } from '../../rpc/failure.ts'
import { bind, type ServiceBinding } from '../../rpc/serve.ts'
import { serverStream } from '../../rpc/streaming.ts'
import { unary } from '../../rpc/unary.ts'
import type { Hub } from './hub.ts'
import { intervalWithin } from './interval.ts'

/** How often a watcher that is to get the first frame there ever was looks for it, ms. */
const firstFrameEveryMs = 16

/** Each request is dealt with as it comes: there is nothing to wait for, and nothing is kept. */
const publish =
  (hub: Hub): handleClientStreamingCall<PublishTelemetryRequest, PublishTelemetryResponse> =>
  (call, callback) => {
    let acceptedFrames = 0n
    let refusedRequests = 0n
    call.on('data', (request: PublishTelemetryRequest) => {
      const outcome = hub.accept(request)
      if (outcome === 'accepted') acceptedFrames += 1n
      if (outcome === 'refused') refusedRequests += 1n
    })
    call.on('error', () => {}) // the publisher is gone, and with it who would hear of it
    call.on('end', () => callback(null, { acceptedFrames, refusedRequests }))
  }

function newest(hub: Hub): TelemetryFrame {
  const frame = hub.latest()
  if (frame !== undefined) return frame
  throw new RigError('TELEMETRY_NONE', 'no telemetry has arrived since the host started; start a game or a replay')
}

async function* watch(
  hub: Hub,
  request: WatchTelemetryRequest,
  signal: AbortSignal,
): AsyncGenerator<WatchTelemetryResponse, void, undefined> {
  const intervalMs = intervalWithin(request.intervalMs, { minimum: 1, maximum: 10_000, usual: 16 })
  while (hub.latest() === undefined) await delay(firstFrameEveryMs, undefined, { signal })
  for (;;) {
    yield { frame: newest(hub) }
    await delay(intervalMs, undefined, { signal })
  }
}

/** TelemetryService over the hub. */
export function telemetryService(hub: Hub, log: Logger): ServiceBinding {
  const implementation: TelemetryServiceServer = {
    publishTelemetry: publish(hub),
    getLatestTelemetry: unary(() => ({ frame: newest(hub) }), log),
    watchTelemetry: serverStream((request, signal) => watch(hub, request, signal), log),
  }
  return bind(TelemetryServiceService, implementation)
}
