/** Does one thing at a time, in the order in which they were asked for; what fails keeps nobody from his turn. */
export interface Queue {
  act<T>(act: () => Promise<T>): Promise<T>
  /** Resolves when everything that was asked for so far is done. */
  idle(): Promise<void>
}

export function createQueue(): Queue {
  let last: Promise<unknown> = Promise.resolve()
  return {
    act(act) {
      const turn = last.then(act)
      last = turn.catch(() => undefined)
      return turn
    },
    idle: async () => void (await last),
  }
}
