/** What a plugin is doing: the words of the API, the command line and the metrics. */
export const pluginStateWords = [
  'available',
  'verified',
  'loaded',
  'enabled',
  'running',
  'throttled',
  'waiting',
  'quarantined',
  'disabled',
  'failed',
  'unsupported',
] as const
export type PluginStateWord = (typeof pluginStateWords)[number]

/** Where a plugin is to get to: by the operator's word, and for want of one by the configuration. */
export type Goal = 'running' | 'loaded' | 'available' | 'disabled'

export interface PluginLife {
  readonly state: PluginStateWord
  readonly goal: Goal
  /** Why it is in this state, where there is something to say. */
  readonly detail: string
  /** What the operator should know of it although nothing is wrong; the detail while there is no other. */
  readonly advice: string
  /** Why what was asked for last does not run, while what ran before does; empty when it runs. A code and a sentence. */
  readonly refusal: string
  /** Its service has it, and reports on it. */
  readonly placed: boolean
  /** When it got into this state, ms since 1970. */
  readonly sinceMs: number
  /** When a quarantine ends, ms since 1970; null in every other state. */
  readonly untilMs: number | null
}

/** What the service that runs a plugin can say of it. */
export type ReportedState = Extract<
  PluginStateWord,
  'loaded' | 'enabled' | 'running' | 'throttled' | 'waiting' | 'failed'
>

/** What the way to a service, and the service, do to a plugin. */
export type ServiceEvent =
  /** It may run: its bytes, its manifest, its configuration. `detail`: what it lacks, so that its service does not get it. */
  | { readonly kind: 'judged'; readonly detail: string }
  /** It may not, or could not be started. `runsOn`: what ran before runs on. */
  | { readonly kind: 'refused'; readonly detail: string; readonly runsOn: boolean }
  /** A service that it needs does not answer: it is tried again. */
  | { readonly kind: 'missing'; readonly detail: string }
  /** Its service has it. `isNew`: as it lies on the disk; else what it has runs on, on other terms. */
  | { readonly kind: 'placed'; readonly advice: string; readonly isNew: boolean }
  /** Its service says this of it. */
  | { readonly kind: 'reported'; readonly state: ReportedState; readonly detail: string }
  /** It ended because somebody wanted that, and may come back. */
  | { readonly kind: 'ended'; readonly detail: string }

export type PluginEvent =
  | ServiceEvent
  /** It lies on the disk like this. `problem`: why it can never run; `unsupported`: what this rig has not. */
  | { readonly kind: 'found'; readonly problem: string | null; readonly unsupported: string | null }
  /** Where it is to get to; null: nobody said. */
  | { readonly kind: 'wanted'; readonly goal: Goal | null }
  | { readonly kind: 'quarantined'; readonly untilMs: number; readonly detail: string }
  | { readonly kind: 'released' }
  /** Time has passed. */
  | { readonly kind: 'due' }

export interface LifePolicy {
  /** Of a plugin that nobody said anything about. */
  readonly goal: Goal
}

export const unborn: PluginLife = {
  ...{
    state: 'available',
    goal: 'available',
    detail: '',
    advice: '',
    refusal: '',
    placed: false,
    sinceMs: 0,
    untilMs: null,
  },
}

/** Why what was asked for last does not run, as a sentence of its own; empty where it runs. */
export const refusalOf = ({ refusal }: PluginLife): string =>
  refusal === '' ? '' : `${refusal}; what ran before runs on`

const untroubled: readonly PluginStateWord[] = ['available', 'disabled', 'loaded', 'enabled', 'running', 'throttled']

/** What keeps what lies there now from running; empty where it runs, or nobody wants it to. */
export const troubleOf = (life: PluginLife): string =>
  refusalOf(life) || (untroubled.includes(life.state) ? '' : life.detail)

const isWanted = ({ goal }: PluginLife): boolean => goal === 'running' || goal === 'loaded'

type Move = Partial<Omit<PluginLife, 'sinceMs'>>

/** No service has it. */
const nowhere = { placed: false, advice: '', refusal: '' } as const

/** Where a plugin stands that no service has. */
const atRest = (goal: Goal): PluginStateWord => (goal === 'disabled' ? 'disabled' : 'available')

function found(life: PluginLife, problem: string | null, unsupported: string | null): Move {
  if (life.state === 'quarantined') return {} // what it did is not undone by other bytes
  if (unsupported !== null) return { state: 'unsupported', detail: unsupported, ...nowhere }
  if (problem !== null) return { state: 'failed', detail: problem, ...nowhere }
  if (life.placed) return {} // it goes on until what is there now was judged
  return { state: atRest(life.goal), detail: '' }
}

function wanted(life: PluginLife, goal: Goal): Move {
  if (life.state === 'quarantined' || life.state === 'unsupported') return { goal }
  if (goal === life.goal) return {}
  if (goal === 'available' || goal === 'disabled') return { goal, state: atRest(goal), detail: '', ...nowhere }
  if (!life.placed) return { goal, state: 'available', detail: '' }
  return { goal, state: goal === 'loaded' ? 'loaded' : 'enabled' }
}

function placed(life: PluginLife, advice: string, isNew: boolean): Move {
  const state = life.goal === 'loaded' ? 'loaded' : 'enabled'
  // One that was replaced while it ran has not stopped.
  const runs = state === 'enabled' && (life.state === 'running' || life.state === 'throttled')
  return { state: runs ? life.state : state, placed: true, detail: '', advice, refusal: isNew ? '' : life.refusal }
}

function move(life: PluginLife, event: PluginEvent, nowMs: number, policy: LifePolicy): Move {
  switch (event.kind) {
    case 'found':
      return found(life, event.problem, event.unsupported)
    case 'wanted':
      return wanted(life, event.goal ?? policy.goal)
    case 'quarantined':
      if (life.state === 'unsupported') return {}
      return { state: 'quarantined', detail: event.detail, untilMs: event.untilMs, ...nowhere }
    case 'released':
      return life.state === 'quarantined' ? { state: atRest(life.goal), detail: '' } : {}
    case 'due':
      if (life.state !== 'quarantined' || nowMs < (life.untilMs ?? Number.POSITIVE_INFINITY)) return {}
      return { state: atRest(life.goal), detail: '' }
    default:
      return life.state === 'quarantined' || life.state === 'unsupported' || !isWanted(life) ? {} : served(life, event)
  }
}

/** What becomes of a plugin that is wanted in its service. */
function served(life: PluginLife, event: ServiceEvent): Move {
  switch (event.kind) {
    case 'judged':
      // Without what it lacks it is nowhere; on its way it still runs as it did.
      if (event.detail !== '') return { state: 'verified', detail: event.detail, ...nowhere }
      return life.placed ? {} : { state: 'verified', detail: '' }
    case 'refused':
      return event.runsOn && life.placed
        ? { refusal: event.detail }
        : { state: 'failed', detail: event.detail, ...nowhere }
    case 'missing':
      return { state: 'waiting', detail: event.detail, ...nowhere }
    case 'placed':
      return placed(life, event.advice, event.isNew)
    case 'reported':
      return life.placed ? { state: event.state, detail: event.detail } : {}
    case 'ended':
      return { state: 'available', detail: event.detail, ...nowhere }
  }
}

/** The life after `event` at `nowMs`, ms since 1970. Events that do not fit leave it as it is. */
export function next(life: PluginLife, event: PluginEvent, nowMs: number, policy: LifePolicy): PluginLife {
  const moved: PluginLife = { ...life, ...move(life, event, nowMs, policy) }
  const isSame = moved.state === life.state
  const same = (Object.keys(moved) as (keyof PluginLife)[]).every((key) => moved[key] === life[key])
  if (same) return life
  return {
    ...moved,
    sinceMs: isSame ? life.sinceMs : nowMs,
    untilMs: moved.state === 'quarantined' ? moved.untilMs : null,
  }
}
