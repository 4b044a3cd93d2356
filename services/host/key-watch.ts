import type { Logger } from 'pino'
import type { Key } from '../../gen/proto/openracing/v1/key.ts'
import { RigError } from '../../rpc/failure.ts'
import { startErrand } from './errand.ts'
import type { IsServing } from './judge.ts'
import type { PluginServices } from './plugin-services.ts'

/** How soon a stream that broke is opened again, ms; a trust service that was restarted is heard of at once. */
const retryMs = 1000

export interface KeyWatchNeeds {
  readonly services: Pick<PluginServices, 'watchKeys'>
  readonly isServing: IsServing
  /** All keys, at the beginning of every stream and when one of them is another one. */
  onKeys(keys: readonly Key[]): void
  readonly log: Logger
}

/** Hears from the trust service which keys there are. */
export interface KeyWatch {
  /** The trust service has become SERVING. */
  serving(): void
  /** Resolves when nothing more is heard. May be called twice. */
  close(): Promise<void>
}

export function startKeyWatch({ services, isServing, onKeys, log }: KeyWatchNeeds): KeyWatch {
  const closed = new AbortController()

  async function follow(): Promise<void> {
    try {
      for await (const { keys, problem } of services.watchKeys(closed.signal)) {
        // Somebody may be in the middle of writing it. What runs goes on, and nothing loads meanwhile.
        if (problem !== '') log.error({ problem }, 'the trust store cannot be read; nobody is trusted')
        else onKeys(keys)
      }
    } catch (cause) {
      if (closed.signal.aborted) return
      // A service that is gone is told of by the supervisor.
      if (!(cause instanceof RigError) || cause.code !== 'SERVICE_UNAVAILABLE') {
        log.error({ err: cause }, 'keys are not watched')
      }
    }
  }

  const errand = startErrand(async () => {
    if (!isServing('trust')) return 'done' // we are told when it does
    await follow()
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
