/** One thing that is measured, a short round at a time, in turn with all others. */
export interface Contestant<Figures = unknown> {
  readonly name: string
  /** One round of about `ms`. Never rejects: a round that fails counts for nothing, and is told by failure(). */
  round(ms: number): Promise<void>
  /** Of all rounds that were measured; null when there was none. */
  figures(): (Figures & { readonly rounds: number }) | null
  /** Why the last round that failed did. */
  failure(): string | undefined
}

/** `measure` runs one round and keeps what it measured; `figures` says what came of all of them. */
export function createContestant<Figures>(
  name: string,
  measure: (ms: number) => Promise<void>,
  figures: () => Figures,
): Contestant<Figures> {
  let rounds = 0
  let failure: string | undefined
  return {
    name,
    async round(ms) {
      try {
        await measure(ms)
        rounds += 1
      } catch (cause) {
        failure = cause instanceof Error ? cause.message : String(cause)
      }
    },
    figures: () => (rounds === 0 ? null : { ...figures(), rounds }),
    failure: () => failure,
  }
}

/** Rounds of all contestants in turn, A B C A B C, so that noise hits all alike. `began` hears of each. */
export async function takeTurns(
  contestants: readonly Contestant[],
  { rounds, ms, signal, began }: TurnOptions,
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const contestant of contestants) {
      if (signal.aborted) return
      // What could not be measured the first time will not be there the second.
      if (round > 0 && contestant.figures() === null) continue
      began(round, contestant.name)
      await contestant.round(ms)
    }
  }
}

export interface TurnOptions {
  readonly rounds: number
  readonly ms: number
  readonly signal: AbortSignal
  readonly began: (round: number, name: string) => void
}
