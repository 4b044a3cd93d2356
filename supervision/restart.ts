/** How something that keeps ending is started again. */
export interface RestartPolicy {
  /** Wait after the first loss, ms; doubles with each further one. */
  readonly firstDelayMs: number
  /** Longest wait, ms. */
  readonly maxDelayMs: number
  /** After running for this long its losses are forgiven, ms. */
  readonly forgiveAfterMs: number
  /** When it is given up; null: never. */
  readonly intensity: RestartIntensity | null
}

/** How much is too much, however long it runs in between. */
export interface RestartIntensity {
  /** Losses in `windowMs` that are put up with. */
  readonly most: number
  readonly windowMs: number
  /** What was given up is tried once more after this time, ms; where it does not last `windowMs`, it is given up again. */
  readonly pauseMs: number
}

/** What services and plugins get: 100 ms doubling to 30 s, forgiven after 60 s, given up after more than 10 losses in 10 min. */
export const standardRestart: RestartPolicy = {
  firstDelayMs: 100,
  maxDelayMs: 30_000,
  forgiveAfterMs: 60_000,
  intensity: { most: 10, windowMs: 600_000, pauseMs: 600_000 },
}

/** What is remembered of losses. Times in ms of one clock. */
interface Losses {
  /** Ends in a row. */
  readonly losses: number
  /** Starts after the first, for ever. */
  readonly restarts: number
  /** When it was lost lately: what the intensity is judged by. */
  readonly recent: readonly number[]
}

export type RestartState =
  | { readonly kind: 'stopped'; readonly restarts: number }
  | (Losses & { readonly kind: 'starting' })
  | (Losses & { readonly kind: 'running'; readonly since: number })
  | (Losses & { readonly kind: 'waiting'; readonly until: number })
  /** Given up: tried once more at `until`, or when somebody asks. */
  | (Losses & { readonly kind: 'failed'; readonly until: number })

/**
 * `start`, `stop` and `again` are wishes, the last one of somebody who has seen to it: its losses are forgotten. `ready`,
 * `lost` and `excused` are what happened, `excused` through no fault of its own; `due` says that time has passed.
 */
export type RestartEvent = 'start' | 'again' | 'ready' | 'lost' | 'excused' | 'due' | 'stop'

export const stopped: RestartState = { kind: 'stopped', restarts: 0 }

/** How long to wait after `losses` ends in a row, ms. */
export const delayMs = (losses: number, policy: RestartPolicy): number =>
  Math.min(policy.maxDelayMs, policy.firstDelayMs * 2 ** Math.min(losses - 1, 30))

/** The losses that count, with one at `now`; undefined when they are more than is put up with. */
export function recentLosses(
  before: readonly number[],
  now: number,
  { intensity }: RestartPolicy,
): readonly number[] | undefined {
  if (intensity === null) return []
  const recent = [...before.filter((at) => now - at < intensity.windowMs), now]
  return recent.length > intensity.most ? undefined : recent
}

/**
 * What a loss at `now` comes to, for who keeps no state of ours: the losses to remember, and where that was one too many
 * how long it is given up for, ms. One more in the window after that is too many again.
 */
export function pauseAfter(
  before: readonly number[],
  now: number,
  policy: RestartPolicy,
): { readonly recent: readonly number[]; readonly givenUpMs: number | undefined } {
  const recent = recentLosses(before, now, policy)
  const { intensity } = policy
  if (recent !== undefined || intensity === null) return { recent: recent ?? [], givenUpMs: undefined }
  const { most, pauseMs } = intensity
  return { recent: new Array<number>(most).fill(now + pauseMs), givenUpMs: pauseMs }
}

type Alive = Extract<RestartState, { readonly kind: 'starting' | 'running' }>

function waitingAfter(state: Alive, recent: readonly number[], now: number, policy: RestartPolicy): RestartState {
  const forgiven = state.kind === 'running' && now - state.since >= policy.forgiveAfterMs
  const losses = forgiven ? 1 : state.losses + 1
  return { kind: 'waiting', losses, restarts: state.restarts, recent, until: now + delayMs(losses, policy) }
}

function afterLoss(state: Alive, now: number, policy: RestartPolicy): RestartState {
  const recent = recentLosses(state.recent, now, policy)
  if (recent !== undefined) return waitingAfter(state, recent, now, policy)
  const until = now + (policy.intensity?.pauseMs ?? 0)
  return { kind: 'failed', losses: state.losses + 1, restarts: state.restarts, recent: [], until }
}

function afterWait(state: RestartState, now: number, { intensity }: RestartPolicy): RestartState {
  if ((state.kind !== 'waiting' && state.kind !== 'failed') || now < state.until) return state
  const { losses, restarts } = state
  // One more loss in the window is too much for what was given up.
  const recent = state.kind === 'failed' ? new Array<number>(intensity?.most ?? 0).fill(now) : state.recent
  return { kind: 'starting', losses, restarts: restarts + 1, recent }
}

function forgiven(state: RestartState): RestartState {
  switch (state.kind) {
    case 'stopped':
      return state
    case 'starting':
    case 'running':
      return { ...state, losses: 0, recent: [] }
    case 'waiting':
    case 'failed':
      return { kind: 'starting', losses: 0, restarts: state.restarts + 1, recent: [] }
  }
}

const isAlive = (state: RestartState): state is Alive => state.kind === 'starting' || state.kind === 'running'

/** The state after `event` at time `now`. Events that do not fit the state leave it as it is. */
export function next(state: RestartState, event: RestartEvent, now: number, policy: RestartPolicy): RestartState {
  switch (event) {
    case 'stop':
      return { kind: 'stopped', restarts: state.restarts }
    case 'start':
      return state.kind === 'stopped' ? { kind: 'starting', losses: 0, restarts: state.restarts, recent: [] } : state
    case 'again':
      return forgiven(state)
    case 'ready':
      return state.kind === 'starting' ? { ...state, kind: 'running', since: now } : state
    case 'due':
      return afterWait(state, now, policy)
    case 'lost':
      return isAlive(state) ? afterLoss(state, now, policy) : state
    case 'excused':
      return isAlive(state) ? waitingAfter(state, state.recent, now, policy) : state
  }
}
