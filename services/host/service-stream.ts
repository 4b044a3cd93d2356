import type { Logger } from 'pino'
import { RigError } from '../../rpc/failure.ts'
import { startErrand } from './errand.ts'
import type { IsServing } from './judge.ts'

/** How soon a stream that broke is opened again, ms; a service that was restarted is heard of at once. */
const retryMs = 1000

/** Whether a service that is needed does not answer: that is told by the supervisor. */
export const isServiceGone = (cause: unknown): boolean =>
  cause instanceof RigError && cause.code === 'SERVICE_UNAVAILABLE'

export interface ServiceStreamNeeds {
  readonly service: string
  readonly isServing: IsServing
  /** One stream, from its beginning to its end, or until `closed` aborts. Rejects where it broke. */
  follow(closed: AbortSignal): Promise<void>
  /** What it means that a stream broke, for the log. */
  readonly broken: string
  readonly log: Logger
}

/** A stream of a service that is opened again whenever it ends. */
export interface ServiceStream {
  /** The service has become SERVING. */
  serving(): void
  /** Ends it; resolves when nothing of it is left. May be called twice. */
  close(): Promise<void>
}

export function startServiceStream(needs: ServiceStreamNeeds): ServiceStream {
  const { service, isServing, follow, broken, log } = needs
  const closed = new AbortController()

  const errand = startErrand(async () => {
    if (!isServing(service)) return 'done' // we are told when it does
    try {
      await follow(closed.signal)
    } catch (cause) {
      if (!closed.signal.aborted && !isServiceGone(cause)) log.error({ err: cause }, broken)
    }
    return 'unfinished'
  }, retryMs)

  return {
    serving: errand.ask,
    async close() {
      errand.close()
      closed.abort()
      await errand.idle()
    },
  }
}
