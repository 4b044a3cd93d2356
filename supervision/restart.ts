/** How something that keeps ending is started again. */
export interface RestartPolicy {
  /** Wait after the first loss, ms; doubles with each further one. */
  readonly firstDelayMs: number
  /** Longest wait, ms. */
  readonly maxDelayMs: number
  /** After running for this long its losses are forgiven, ms. */
  readonly forgiveAfterMs: number
}

/** What services and plugins get: 100 ms doubling to 30 s, forgiven after 60 s. */
export const standardRestart: RestartPolicy = { firstDelayMs: 100, maxDelayMs: 30_000, forgiveAfterMs: 60_000 }

/** `losses` counts ends in a row; `restarts` counts starts after the first, for ever. Times in ms of one clock. */
export type RestartState =
  | { readonly kind: 'stopped'; readonly restarts: number }
  | { readonly kind: 'starting'; readonly losses: number; readonly restarts: number }
  | { readonly kind: 'running'; readonly losses: number; readonly restarts: number; readonly since: number }
  | { readonly kind: 'waiting'; readonly losses: number; readonly restarts: number; readonly until: number }

/** `start` and `stop` are wishes; `ready` and `lost` are what happened; `due` says that time has passed. */
export type RestartEvent = 'start' | 'ready' | 'lost' | 'due' | 'stop'

export const stopped: RestartState = { kind: 'stopped', restarts: 0 }

/** How long to wait after `losses` ends in a row, ms. */
export const delayMs = (losses: number, policy: RestartPolicy): number =>
  Math.min(policy.maxDelayMs, policy.firstDelayMs * 2 ** Math.min(losses - 1, 30))

function afterLoss(
  state: RestartState & { readonly losses: number },
  now: number,
  policy: RestartPolicy,
): RestartState {
  const forgiven = state.kind === 'running' && now - state.since >= policy.forgiveAfterMs
  const losses = forgiven ? 1 : state.losses + 1
  return { kind: 'waiting', losses, restarts: state.restarts, until: now + delayMs(losses, policy) }
}

/** The state after `event` at time `now`. Events that do not fit the state leave it as it is. */
export function next(state: RestartState, event: RestartEvent, now: number, policy: RestartPolicy): RestartState {
  switch (event) {
    case 'stop':
      return { kind: 'stopped', restarts: state.restarts }
    case 'start':
      return state.kind === 'stopped' ? { kind: 'starting', losses: 0, restarts: state.restarts } : state
    case 'ready':
      return state.kind === 'starting'
        ? { kind: 'running', losses: state.losses, restarts: state.restarts, since: now }
        : state
    case 'due':
      return state.kind === 'waiting' && now >= state.until
        ? { kind: 'starting', losses: state.losses, restarts: state.restarts + 1 }
        : state
    case 'lost':
      return state.kind === 'starting' || state.kind === 'running' ? afterLoss(state, now, policy) : state
  }
}
