/** Lets one after the other do what two at once would spoil. */
export interface Turns {
  /** Resolves when everybody before has disposed of theirs. */
  take(): Promise<Disposable>
}

export function createTurns(): Turns {
  let last: Promise<unknown> = Promise.resolve()
  return {
    async take() {
      const before = last
      const mine = Promise.withResolvers<void>()
      last = mine.promise
      await before
      return { [Symbol.dispose]: mine.resolve }
    },
  }
}
