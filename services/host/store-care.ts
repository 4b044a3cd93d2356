import type { Logger } from 'pino'
import type { IsServing } from './judge.ts'
import type { Loader } from './loader.ts'
import type { PluginServices } from './plugin-services.ts'
import { isServiceGone } from './service-stream.ts'

/** How often copies that nobody runs are looked for, ms: they only take room. */
const everyMs = 3_600_000

export interface StoreCareNeeds extends Pick<Loader, 'judgedGood' | 'settled'> {
  readonly services: Pick<PluginServices, 'collectCopies'>
  readonly isServing: IsServing
  readonly log: Logger
}

/**
 * Has the copies removed that nothing is to run from any more. Not before everything that is to run was judged: what runs
 * on from a host before this one is among it, or is replaced.
 */
export function startStoreCare({ judgedGood, settled, services, isServing, log }: StoreCareNeeds) {
  async function care(): Promise<void> {
    await settled()
    if (!isServing('trust')) return
    const removed = await services.collectCopies(judgedGood())
    if (removed > 0) log.info({ removed }, 'verified copies that nobody runs were removed')
  }
  const timer = setInterval(() => {
    care().catch((cause: unknown) => {
      if (!isServiceGone(cause)) log.error({ err: cause }, 'verified copies that nobody runs stay')
    })
  }, everyMs)
  timer.unref()
  return { close: (): void => clearInterval(timer) }
}
