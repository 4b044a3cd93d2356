import type { SpareWorker } from './executor-worker.ts'

/**
 * Keeps one thread warm: starting one takes a tenth of a second and more, and the plugins that are to move to it do not
 * tick meanwhile.
 */
export interface Spare {
  /** The one that is kept, or the one that is being started; from then on the next one is. Rejects when none starts. */
  take(): Promise<SpareWorker>
  /** Ends the one that is kept. Those that were taken are their takers'. May be called twice. */
  close(): Promise<void>
}

/** `start` is given a signal that says that the thread is not needed any more. */
export function keepSpare(start: (unneeded: AbortSignal) => Promise<SpareWorker>): Spare {
  const closed = new AbortController()
  let kept: Promise<SpareWorker> | undefined

  const keep = (): void => {
    if (closed.signal.aborted || kept !== undefined) return
    const starting = start(closed.signal)
    kept = starting
    starting.catch(() => {
      if (kept === starting) kept = undefined // whoever needs one tries again, and is told why there is none
    })
  }

  return {
    async take() {
      const taken = kept ?? start(closed.signal)
      kept = undefined
      const worker = await taken
      setImmediate(keep) // starting a thread holds this one up, and whoever takes one is in a hurry
      return worker
    },
    async close() {
      closed.abort()
      const worker = await kept?.catch(() => undefined)
      await worker?.close()
    },
  }
}
