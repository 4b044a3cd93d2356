import type { HttpAnswer } from '../../network/answer.ts'
import type { NetworkNews } from './network-words.ts'

/** The requests of all plugins of one thread. */
export interface ThreadNetwork {
  /** A request begins: its number. `hear` is given its answer, once, between two calls of the guest's or while one waits. */
  begin(hear: (answer: HttpAnswer) => void): number
  /** Nobody waits for this one any more. */
  forget(number: number): void
  /** An answer has come; one that nobody waits for is dropped. */
  deliver(news: NetworkNews): void
  /** Whether who asks for an answer that has not come waits for it. */
  readonly waits: boolean
  /** Waits until something was delivered; false where the time for that is over, or this thread never waits. */
  listen(): boolean
}

/** `listen`: of a thread whose plugins may wait. Plugins that tick share theirs, and are never waited for. */
export function createThreadNetwork(listen?: () => boolean): ThreadNetwork {
  const listeners = new Map<number, (answer: HttpAnswer) => void>()
  let last = 0
  return {
    begin(hear) {
      listeners.set(++last, hear)
      return last
    },
    forget: (number) => void listeners.delete(number),
    deliver({ number, answer }) {
      const hear = listeners.get(number)
      listeners.delete(number)
      hear?.(answer)
    },
    waits: listen !== undefined,
    listen: () => listen?.() ?? false,
  }
}
