import { setTimeout as delay } from 'node:timers/promises'
import { next, type RestartEvent, type RestartPolicy, type RestartState, stopped } from './restart.ts'

/**
 * One life of what is kept running: begins it, calls `ready` when it works, and resolves when it is over. `excused`: to be
 * lived again, and that it ended is not held against it.
 */
export type Life = (ready: () => void) => Promise<'again' | 'excused' | 'enough'>

/** Something that is started again when it ends. */
export interface Kept {
  state(): RestartState
  /** Forgets its losses, and starts it now where it waits or was given up. A life that is lived goes on. */
  again(): void
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
  readonly changed?: (state: RestartState, before: RestartState) => void
}

/** Lives `life` again and again by the policy, until one says that it is enough, or close(). */
export function keepRunning(life: Life, options: KeepRunningOptions): Kept {
  const { policy, now } = options
  const closing = new AbortController()
  let state: RestartState = { ...stopped, restarts: options.restarts ?? 0 }
  let asked = new AbortController()
  const move = (event: RestartEvent): void => {
    const before = state
    state = next(state, event, now(), policy)
    if (state !== before) options.changed?.(state, before)
  }

  async function wait(): Promise<void> {
    while ((state.kind === 'waiting' || state.kind === 'failed') && !closing.signal.aborted) {
      const signal = AbortSignal.any([closing.signal, asked.signal])
      await delay(Math.max(1, state.until - now()), undefined, { signal }).catch(() => undefined)
      if (!closing.signal.aborted) move('due')
    }
  }

  async function liveOn(): Promise<void> {
    move('start')
    while (!closing.signal.aborted) {
      const outcome = await life(() => move('ready'))
      if (outcome === 'enough') break
      move(outcome === 'again' ? 'lost' : 'excused')
      await wait()
    }
    move('stop')
  }

  const over = liveOn()
  return {
    state: () => state,
    again() {
      if (closing.signal.aborted) return
      move('again')
      asked.abort()
      asked = new AbortController()
    },
    close: () => {
      closing.abort()
      return over
    },
  }
}
