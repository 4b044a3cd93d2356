import type { Logger } from 'pino'
import { RigError } from '../../rpc/failure.ts'
import type { PlannedPlugin } from './plugin-plan.ts'
import { type LifePolicy, next, type PluginEvent, type PluginLife, unborn } from './plugin-state.ts'

/** What came of trying something for a plugin. */
export type Attempt<T> =
  | { readonly kind: 'done'; readonly value: T }
  /** For want of a service: it may be tried again. */
  | { readonly kind: 'missing' }
  | { readonly kind: 'refused' }

/** What each plugin is doing. */
export interface PluginLives {
  of(directory: string): PluginLife
  tell(directory: string, event: PluginEvent): void
  /** What fails is the plugin's own affair, and told of it. `runsOn`: what ran before runs on then. */
  attempt<T>(directory: string, runsOn: boolean, act: () => Promise<T>): Promise<Attempt<T>>
  /** What attempt() does about a failure. */
  fail(directory: string, runsOn: boolean, cause: unknown): Exclude<Attempt<never>, { readonly kind: 'done' }>
  /** There is no plugin in this directory any more. */
  forget(directory: string): void
}

export interface PluginLivesNeeds {
  /** Of a plugin that nobody said anything about. */
  readonly policyOf: (directory: string) => LifePolicy
  /** The wall clock, ms since 1970. */
  readonly nowMs: () => number
  readonly log: Logger
}

const sentenceOf = (cause: unknown): string =>
  cause instanceof RigError ? cause.message : 'an internal error, which the log has'

export function createPluginLives({ policyOf, nowMs, log }: PluginLivesNeeds): PluginLives {
  const lives = new Map<string, PluginLife>()
  const of = (directory: string): PluginLife => lives.get(directory) ?? unborn

  function tell(directory: string, event: PluginEvent): void {
    const before = of(directory)
    const life = next(before, event, nowMs(), policyOf(directory))
    lives.set(directory, life)
    const isRefusal = life.refusal !== before.refusal && life.refusal !== ''
    if (isRefusal) log.warn({ plugin: directory, refusal: life.refusal }, 'what ran before runs on')
    const isNews = life.state !== before.state || (life.state === 'failed' && life.detail !== before.detail)
    // Of services that are missing the supervisor tells.
    if (!isNews || life.state === 'waiting') return
    const level = life.state === 'failed' || life.state === 'quarantined' ? 'warn' : 'info'
    log[level]({ plugin: directory, state: life.state, detail: life.detail || life.advice }, 'plugin')
  }

  const fail: PluginLives['fail'] = (directory, runsOn, cause) => {
    if (!(cause instanceof RigError)) log.error({ plugin: directory, err: cause }, 'bringing a plugin to its service')
    const detail = sentenceOf(cause)
    if (cause instanceof RigError && cause.code === 'SERVICE_UNAVAILABLE') {
      // What runs goes on; why what was asked for does not run yet is told.
      const isPlaced = of(directory).placed
      tell(directory, isPlaced ? { kind: 'refused', detail, runsOn: true } : { kind: 'missing', detail })
      return { kind: 'missing' }
    }
    tell(directory, { kind: 'refused', detail, runsOn })
    return { kind: 'refused' }
  }

  return {
    of,
    tell,
    fail,
    async attempt(directory, runsOn, act) {
      try {
        return { kind: 'done', value: await act() }
      } catch (cause) {
        return fail(directory, runsOn, cause)
      }
    },
    forget: (directory) => void lives.delete(directory),
  }
}

/** A plugin was found, or decreed on: its life has what the plan says of it. */
export function tellPlan(lives: Pick<PluginLives, 'tell'>, plugin: PlannedPlugin): void {
  const { directory, goal, quarantine } = plugin
  const [problem, unsupported] = plugin.unsupported ? [null, plugin.problem] : [plugin.problem, null]
  lives.tell(directory, { kind: 'wanted', goal })
  lives.tell(directory, { kind: 'found', problem, unsupported })
  if (quarantine === null) {
    lives.tell(directory, { kind: 'released' })
    return
  }
  const { untilMs, reason } = quarantine
  const remedy = `\`wheelctl plugin release ${directory}\` ends it now`
  const { message } = new RigError(
    'PLUGIN_QUARANTINED',
    `${reason}; until ${new Date(untilMs).toISOString()}; ${remedy}`,
  )
  lives.tell(directory, { kind: 'quarantined', untilMs, detail: message })
}
