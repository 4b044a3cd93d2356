import type { Logger } from 'pino'
import type { Key } from '../../gen/proto/openracing/v1/key.ts'
import type { IsServing } from './judge.ts'
import type { PluginServices } from './plugin-services.ts'
import { type ServiceStream, startServiceStream } from './service-stream.ts'

export interface KeyWatchNeeds {
  readonly services: Pick<PluginServices, 'watchKeys'>
  readonly isServing: IsServing
  /** All keys, at the beginning of every stream and when one of them is another one. */
  onKeys(keys: readonly Key[]): void
  readonly log: Logger
}

/** Hears from the trust service which keys there are. */
export const startKeyWatch = ({ services, isServing, onKeys, log }: KeyWatchNeeds): ServiceStream =>
  startServiceStream({
    ...{ service: 'trust', isServing, broken: 'keys are not watched', log },
    async follow(closed) {
      for await (const { keys, problem } of services.watchKeys(closed)) {
        // Somebody may be in the middle of writing it. What runs goes on, and nothing loads meanwhile.
        if (problem !== '') log.error({ problem }, 'the trust store cannot be read; nobody is trusted')
        else onKeys(keys)
      }
    },
  })
