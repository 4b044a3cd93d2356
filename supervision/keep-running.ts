import { setTimeout as delay } from 'node:timers/promises'
import { next, type RestartPolicy, type RestartState, stopped } from './restart.ts'

/** One life of what is kept running: begins it, calls `ready` when it works, and resolves when it is over. */
export type Life = (ready: () => void) => Promise<'again' | 'enough'>

/** Something that is started again when it ends. */
export interface Kept {
  state(): RestartState
  /** Starts it no more; resolves when the life that runs is over. Ending that life is the caller's. */
  close(): Promise<void>
}

export interface KeepRunningOptions {
  readonly policy: RestartPolicy
  /** ms of a clock that does not go back. */
  readonly now: () => number
  /** Restarts that are already behind it. */
  readonly restarts?: number
  /** After each change of state. */
  readonly changed?: (state: RestartState) => void
}

/** Lives `life` again and again by the policy, until one says that it is enough, or close(). */
export function keepRunning(life: Life, options: KeepRunningOptions): Kept {
  const { policy, now } = options
  const closing = new AbortController()
  let state: RestartState = { ...stopped, restarts: options.restarts ?? 0 }
  const move = (event: 'start' | 'ready' | 'lost' | 'due' | 'stop'): void => {
    const before = state
    state = next(state, event, now(), policy)
    if (state !== before) options.changed?.(state)
  }

  async function wait(): Promise<void> {
    while (state.kind === 'waiting' && !closing.signal.aborted) {
      await delay(Math.max(1, state.until - now()), undefined, { signal: closing.signal }).catch(() => undefined)
      if (!closing.signal.aborted) move('due')
    }
  }

  async function liveOn(): Promise<void> {
    move('start')
    while (!closing.signal.aborted) {
      const outcome = await life(() => move('ready'))
      if (outcome === 'enough') break
      move('lost')
      await wait()
    }
    move('stop')
  }

  const over = liveOn()
  return {
    state: () => state,
    close: () => {
      closing.abort()
      return over
    },
  }
}
