import type { SpareWorker } from './executor-worker.ts'

interface Closable {
  close(): Promise<void>
}

/**
 * Keeps one thread warm: starting one takes a tenth of a second and more, and the plugins that are to move to it do not
 * tick meanwhile.
 */
export interface Spare<Thread extends Closable = SpareWorker> {
  /** The one that is kept, or the one that is being started, or a new one; some time later the next one is started. Rejects when none starts. */
  take(): Promise<Thread>
  /** Ends the one that is kept. Those that were taken are their takers'. May be called twice. */
  close(): Promise<void>
}

/** How long after one was taken the next is started, ms: until then whoever took it, and a rig that starts, needs the cores. */
const standardPauseMs = 2000

/** `start` is given a signal that says that the thread is not needed any more. */
export function keepSpare<Thread extends Closable = SpareWorker>(
  start: (unneeded: AbortSignal) => Promise<Thread>,
  pauseMs: number = standardPauseMs,
): Spare<Thread> {
  const closed = new AbortController()
  let timer: NodeJS.Timeout | undefined
  let kept: Promise<Thread> | undefined

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
      clearTimeout(timer)
      timer = setTimeout(keep, pauseMs)
      return worker
    },
    async close() {
      closed.abort()
      clearTimeout(timer)
      const worker = await kept?.catch(() => undefined)
      await worker?.close()
    },
  }
}
