/** What one peer may do. */
export interface CallLimits {
  /** Calls that may begin in a second, for as long as it likes; twice as many at once, after a pause. */
  readonly callsPerSecond: number
  /** Calls that may be open at the same time, streams among them. */
  readonly openCalls: number
}

/** May it begin? `flood`: it has been told to wait so often that its connection is not worth keeping. */
export type Admission = 'admitted' | 'too many a second' | 'too many open' | 'flood'

/** Counts the calls of each peer. Times are passed in, ms of any clock that only goes forward. */
export interface CallLimiter {
  begin(peer: string, nowMs: number): Admission
  /** A call that was admitted is over. */
  end(peer: string): void
  /** The peer is gone. */
  forget(peer: string): void
}

interface Account {
  /** Calls that may begin now. */
  tokens: number
  atMs: number
  open: number
  /** Refusals since it last kept to its rate. */
  refused: number
}

/** Refusals in a row, in seconds' worth of calls, after which a peer floods. */
const floodSeconds = 5

/** A bucket of tokens for each peer. */
export function createCallLimiter({ callsPerSecond, openCalls }: CallLimits): CallLimiter {
  const burst = 2 * callsPerSecond
  const accounts = new Map<string, Account>()

  function accountOf(peer: string, nowMs: number): Account {
    const account = accounts.get(peer) ?? { tokens: burst, atMs: nowMs, open: 0, refused: 0 }
    accounts.set(peer, account)
    const passedMs = Math.max(0, nowMs - account.atMs)
    account.tokens = Math.min(burst, account.tokens + (passedMs * callsPerSecond) / 1000)
    account.atMs = nowMs
    if (account.tokens >= callsPerSecond) account.refused = 0
    return account
  }

  function refuse(account: Account, why: Admission): Admission {
    account.refused += 1
    return account.refused > floodSeconds * callsPerSecond ? 'flood' : why
  }

  return {
    begin(peer, nowMs) {
      const account = accountOf(peer, nowMs)
      const isTooFast = account.tokens < 1
      account.tokens = Math.max(0, account.tokens - 1) // to be refused counts as well
      if (isTooFast) return refuse(account, 'too many a second')
      if (account.open >= openCalls) return refuse(account, 'too many open')
      account.open += 1
      return 'admitted'
    },
    end(peer) {
      const account = accounts.get(peer)
      if (account !== undefined) account.open = Math.max(0, account.open - 1)
    },
    forget: (peer) => void accounts.delete(peer),
  }
}
