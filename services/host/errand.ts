/** Work that is asked for again and again, and done by one at a time. */
export interface Errand {
  /** Has it done once more: at once, or after the time that is under way. */
  ask(): void
  /** Resolves when nothing is under way and nothing was asked for. */
  idle(): Promise<void>
  /** Does it no more; what is under way goes on to its end. May be called twice. */
  close(): void
}

/** `work` says whether it got to its end; where it did not it is done again after `retryMs`. It must not throw. */
export function startErrand(work: () => Promise<'done' | 'unfinished'>, retryMs: number): Errand {
  let running: Promise<void> | undefined
  let asked = false
  let closed = false
  let retry: NodeJS.Timeout | undefined

  async function run(): Promise<void> {
    while (asked && !closed) {
      asked = false
      if ((await work()) === 'unfinished' && !asked && !closed) retry = setTimeout(ask, retryMs)
    }
    running = undefined
  }

  function ask(): void {
    if (closed) return
    clearTimeout(retry)
    asked = true
    running ??= run()
  }

  return {
    ask,
    async idle() {
      while (running !== undefined) await running
    },
    close() {
      closed = true
      clearTimeout(retry)
    },
  }
}
