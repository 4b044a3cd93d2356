import type { GuestLogLevel } from './guest-log.ts'
import type { NetworkNews, NetworkWord } from './network-words.ts'
import type { Violation } from './violation.ts'

/** What is heard of a plugin that is called while it runs: at once, so that it outlives its thread. */
export interface CallHearing {
  onLine(level: GuestLogLevel, text: string): void
  /** It did what it must not do, and runs on. */
  onViolation(violation: Violation): void
  /** It asks for something of the network. Answers go to its thread. */
  onNetwork(word: NetworkWord, answer: (news: NetworkNews) => void): void
}
