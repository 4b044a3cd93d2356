/** So many at once, and so many a second from then on. */
export interface Rate {
  readonly burst: number
  readonly perSecond: number
}

export interface Allowance {
  /** Whether there may be one more now; it is counted then. */
  ask(nowMs: number): boolean
}

/** A token bucket. `nowMs` is monotonic. */
export function createAllowance({ burst, perSecond }: Rate, nowMs: number): Allowance {
  let tokens = burst
  let lastMs = nowMs
  return {
    ask(atMs) {
      tokens = Math.min(burst, tokens + (Math.max(0, atMs - lastMs) / 1000) * perSecond)
      lastMs = atMs
      if (tokens < 1) return false
      tokens--
      return true
    },
  }
}
