import { threadCpuNanoseconds } from '../../shm/clock.ts'

/**
 * CPU time of the calling thread, ms. What does not wait for anything is measured by it: it takes as much on a machine
 * without anything else. Not process.threadCpuUsage(), which on some kernels goes on in steps of milliseconds.
 */
export const threadCpuMs = (): number => Number(threadCpuNanoseconds()) / 1e6
