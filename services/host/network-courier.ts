import type { CarryRequestsRequest } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import { networkLimits } from '../../network/limits.ts'
import { createOutbox } from '../../rpc/outbox.ts'
import { openDatagrams } from './datagrams.ts'
import type { IsServing } from './judge.ts'
import { createResolver, type Resolve } from './network-lookup.ts'
import { type RoundNeeds, startRound } from './network-round.ts'
import type { PluginServices } from './plugin-services.ts'
import { type ServiceStream, startServiceStream } from './service-stream.ts'

/** Answers that wait for the stream: more than there are requests under way, and refusals come on top. */
const answersMax = 256

export interface CourierNeeds extends Pick<RoundNeeds, 'grants' | 'log' | 'nowMs'> {
  readonly services: Pick<PluginServices, 'carryRequests'>
  readonly isServing: IsServing
  /** In place of the usual ones: for tests. */
  readonly limits?: RoundNeeds['limits']
  readonly resolve?: Resolve
}

/** Carries what Safe plugins ask of the network: their own process has none. Its close() gives everything up. */
export function startCourier(needs: CourierNeeds): ServiceStream {
  const { services, isServing, log, nowMs } = needs
  const resolve = needs.resolve ?? createResolver()
  const datagrams = openDatagrams(resolve, nowMs)

  /** Until the stream ends. */
  async function carry(closed: AbortSignal): Promise<void> {
    const outbox = createOutbox<CarryRequestsRequest>(answersMax)
    const round = startRound({ ...needs, resolve, datagrams, limits: needs.limits ?? networkLimits }, outbox.put)
    try {
      for await (const wish of services.carryRequests(outbox, closed)) round.take(wish)
    } finally {
      round.end()
      outbox.close()
    }
  }

  const stream = startServiceStream({
    service: 'wasm-runner',
    isServing,
    follow: carry,
    broken: 'requests of plugins are not carried',
    log,
  })

  return {
    serving: stream.serving,
    async close() {
      await stream.close()
      datagrams.close()
    },
  }
}
