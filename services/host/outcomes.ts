import type { Logger } from 'pino'
import { RigError } from '../../rpc/failure.ts'
import type { PlannedPlugin } from './plugin-plan.ts'

/** What became of bringing a plugin to the service that runs it. */
export type Outcome =
  | { readonly kind: 'loading' }
  /** A service that is needed does not answer: it is tried again. `detail` is a code and a sentence. */
  | { readonly kind: 'waiting'; readonly detail: string }
  /** The service has it and reports on it. `detail` is a warning, or empty. */
  | { readonly kind: 'placed'; readonly detail: string }
  /** The operator took it out of the chain. */
  | { readonly kind: 'removed'; readonly detail: string }
  | { readonly kind: 'failed'; readonly detail: string }

/** What became of each plugin. */
export interface Outcomes {
  of(plugin: PlannedPlugin): Outcome
  /** Whether there is still something to be done for it. */
  isOpen(plugin: PlannedPlugin): boolean
  conclude(plugin: PlannedPlugin, outcome: Outcome, cause?: unknown): void
  /** The result of `act`; undefined when it fails, which is the plugin's own affair, and is concluded. */
  attempt<T>(plugin: PlannedPlugin, act: () => Promise<T>): Promise<T | undefined>
  /** It is as if nothing had been tried. */
  forget(plugin: PlannedPlugin): void
}

/** What a failure means for the plugin: one of a service that is missing may pass. */
export function outcomeOfFailure(cause: unknown): Outcome {
  if (!(cause instanceof RigError)) return { kind: 'failed', detail: 'an internal error, which the log has' }
  return { kind: cause.code === 'SERVICE_UNAVAILABLE' ? 'waiting' : 'failed', detail: cause.message }
}

export function createOutcomes(log: Logger): Outcomes {
  const outcomes = new Map<string, Outcome>()
  const of = ({ directory }: PlannedPlugin): Outcome => outcomes.get(directory) ?? { kind: 'loading' }

  function conclude(plugin: PlannedPlugin, outcome: Outcome, cause?: unknown): void {
    outcomes.set(plugin.directory, outcome)
    if (outcome.kind === 'waiting') return // the supervisor tells of services that are missing
    const internal = cause instanceof RigError ? undefined : cause
    log[outcome.kind === 'failed' ? 'warn' : 'info']({ plugin: plugin.directory, ...outcome, err: internal }, 'plugin')
  }

  return {
    of,
    conclude,
    isOpen: (plugin) => ['loading', 'waiting'].includes(of(plugin).kind),
    async attempt(plugin, act) {
      try {
        return await act()
      } catch (cause) {
        conclude(plugin, outcomeOfFailure(cause), cause)
        return undefined
      }
    },
    forget: ({ directory }) => void outcomes.delete(directory),
  }
}
