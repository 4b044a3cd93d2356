import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'

/** When the ready line is due, ms after the start: the platform promises 3 s, and services may be slow to list. */
export const announceByMs = 2500

export interface AnnouncementNeeds {
  /** Resolves when everything that was asked for runs, or has failed. */
  readonly started: Promise<void>
  /** Resolves when the rig is to end. */
  readonly asked: Promise<unknown>
  /** What is left of the time until the line is due, ms. */
  readonly remainingMs: number
  /** What is known now, in one line. */
  readonly line: () => Promise<string>
  readonly say: (line: string) => void
  readonly log: Logger
}

/**
 * Says the ready line when everything has started, and when it is due at the latest: with what is known then. What
 * starts later is in the log. Resolves when the line was said, or when the rig is to end.
 */
export async function announceStart({ started, asked, remainingMs, line, say, log }: AnnouncementNeeds): Promise<void> {
  const over = new AbortController()
  const due = delay(Math.max(0, remainingMs), 'due' as const, { signal: over.signal }).catch(() => 'due' as const)
  const ended = asked.then(() => 'ended' as const)
  const all = started.then(() => 'all' as const)
  const first = await Promise.race([all, due, ended])
  over.abort()
  if (first === 'ended') return
  say(await line())
  if (first === 'all') return
  void Promise.race([all, ended]).then(async (then) => {
    if (then === 'all') log.info(await line())
  })
}
