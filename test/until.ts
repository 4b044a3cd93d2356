import { setTimeout as delay } from 'node:timers/promises'

/** Longest that any state of a rig may take to come about, ms: far beyond what is expected, short enough to fail a test. */
const deadlineMs = 60_000
const lookEveryMs = 10

/** Waits until `look` finds something (neither false nor undefined) and returns it; rejects, saying `what`, after 60 s. */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
): Promise<Exclude<T, false | undefined | null>> {
  const start = performance.now()
  for (;;) {
    const found = await look()
    if (found !== false && found !== undefined && found !== null) return found as Exclude<T, false | undefined | null>
    if (performance.now() - start > deadlineMs) throw new Error(`waited ${deadlineMs} ms in vain until ${what}`)
    await delay(lookEveryMs)
  }
}

/** The value of `promise`; rejects, saying `what`, when it takes longer than any state of a rig may. */
export async function inTime<T>(what: string, promise: Promise<T>): Promise<T> {
  const late = new AbortController()
  const expired = delay(deadlineMs, undefined, { signal: late.signal }).then(() => {
    throw new Error(`waited ${deadlineMs} ms in vain until ${what}`)
  })
  expired.catch(() => undefined) // aborted once it is no longer needed
  return Promise.race([promise, expired]).finally(() => late.abort())
}
