/** Messages on their way into a stream, which takes them when it has room. */
export interface Outbox<T> extends AsyncIterable<T> {
  /** False when there are too many in it, or it is closed: then the message is not sent. */
  put(message: T): boolean
  /** What is in it goes out, and that is the end. May be called twice. */
  close(): void
}

/** For one reader. `capacity`: messages that wait at most. */
export function createOutbox<T>(capacity: number): Outbox<T> {
  const waiting: T[] = []
  let closed = false
  let wake = (): void => {}
  const rouse = (): void => wake()

  async function* read(): AsyncGenerator<T, void, undefined> {
    for (;;) {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) yield next
      if (closed) return
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }

  return {
    put(message) {
      if (closed || waiting.length >= capacity) return false
      waiting.push(message)
      rouse()
      return true
    },
    close() {
      closed = true
      rouse()
    },
    [Symbol.asyncIterator]: read,
  }
}
