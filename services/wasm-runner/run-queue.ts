import { readFileSync, readlinkSync } from 'node:fs'

/** Names the calling thread for coreWaitMs(). */
export const thisThread = (): string => readlinkSync('/proc/thread-self')

/** How long a thread of this process was ready to run and had no core, ms since it began; 0 where the kernel does not say. */
export function coreWaitMs(thread: string): number {
  try {
    return Number(readFileSync(`/proc/${thread}/schedstat`, 'utf8').split(' ')[1]) / 1e6
  } catch {
    return 0 // a kernel without these counts, or a thread that is gone
  }
}
