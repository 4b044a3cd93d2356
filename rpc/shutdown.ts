/** Why a process was asked to end. */
export type ShutdownReason =
  /** SIGTERM or SIGINT: an orderly end was asked for. */
  | 'asked'
  /** The parent's end of our stdin is gone: the host was killed. */
  | 'orphaned'

/**
 * Resolves when this process is to end. `watchStdin`: a child of the host exits when its stdin ends, so that it
 * cannot outlive a host that was killed.
 */
export function shutdownRequested(watchStdin: boolean): Promise<ShutdownReason> {
  const { promise, resolve } = Promise.withResolvers<ShutdownReason>()
  const end = (reason: ShutdownReason): void => {
    // A stdin that is still watched would keep a process alive that has closed everything else.
    if (watchStdin) process.stdin.destroy()
    resolve(reason)
  }
  process.once('SIGTERM', () => end('asked'))
  process.once('SIGINT', () => end('asked'))
  if (watchStdin) {
    for (const event of ['end', 'close', 'error'] as const) process.stdin.once(event, () => end('orphaned'))
    process.stdin.resume()
  }
  return promise
}
