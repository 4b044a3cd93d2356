import type { CarryRequestsRequest } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import { networkLimits } from '../../network/limits.ts'
import { RigError } from '../../rpc/failure.ts'
import { createOutbox } from '../../rpc/outbox.ts'
import { openDatagrams } from './datagrams.ts'
import { startErrand } from './errand.ts'
import type { IsServing } from './judge.ts'
import { createResolver, type Resolve } from './network-lookup.ts'
import { type RoundNeeds, startRound } from './network-round.ts'
import type { PluginServices } from './plugin-services.ts'

/** How soon a stream that broke is opened again, ms; a runner that was restarted is heard of at once. */
const retryMs = 1000
/** Answers that wait for the stream: more than there are requests under way, and refusals come on top. */
const answersMax = 256

export interface CourierNeeds extends Pick<RoundNeeds, 'grants' | 'log' | 'nowMs'> {
  readonly services: Pick<PluginServices, 'carryRequests'>
  readonly isServing: IsServing
  /** In place of the usual ones: for tests. */
  readonly limits?: RoundNeeds['limits']
  readonly resolve?: Resolve
}

/** Carries what Safe plugins ask of the network: their own process has none. */
export interface Courier {
  /** The wasm-runner has become SERVING. */
  serving(): void
  /** Gives everything up, and carries no more; resolves when nothing of it is left. May be called twice. */
  close(): Promise<void>
}

export function startCourier(needs: CourierNeeds): Courier {
  const { services, isServing, log, nowMs } = needs
  const resolve = needs.resolve ?? createResolver()
  const datagrams = openDatagrams(resolve, nowMs)
  const closed = new AbortController()

  /** Until the stream ends. */
  async function carry(): Promise<void> {
    const outbox = createOutbox<CarryRequestsRequest>(answersMax)
    const round = startRound({ ...needs, resolve, datagrams, limits: needs.limits ?? networkLimits }, outbox.put)
    try {
      for await (const wish of services.carryRequests(outbox, closed.signal)) round.take(wish)
    } catch (cause) {
      // A runner that is gone is told of by the supervisor.
      if (!(cause instanceof RigError) || cause.code !== 'SERVICE_UNAVAILABLE')
        log.error({ err: cause }, 'requests of plugins are not carried')
    } finally {
      round.end()
      outbox.close()
    }
  }

  const errand = startErrand(async () => {
    if (!isServing('wasm-runner')) return 'done' // we are told when it does
    await carry()
    return 'unfinished'
  }, retryMs)

  return {
    serving: errand.ask,
    async close() {
      errand.close()
      closed.abort()
      await errand.idle()
      datagrams.close()
    },
  }
}
