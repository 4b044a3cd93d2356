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
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve('asked'))
    process.once('SIGINT', () => resolve('asked'))
    if (!watchStdin) return
    process.stdin.on('error', () => resolve('orphaned'))
    process.stdin.once('end', () => resolve('orphaned'))
    process.stdin.once('close', () => resolve('orphaned'))
    process.stdin.resume()
  })
}
