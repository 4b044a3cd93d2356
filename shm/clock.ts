import { addon } from '../native/addon.ts'

/** Wall clock, ns since 1970 (CLOCK_REALTIME). Node's own has no more than milliseconds that follow when it is set. */
export const realtimeNanoseconds = (): bigint => addon.realtimeNanoseconds()

/** CPU time of the calling thread, ns (CLOCK_THREAD_CPUTIME_ID). */
export const threadCpuNanoseconds = (): bigint => addon.threadCpuNanoseconds()

/** CPU time of a process and all its threads until now, ns; undefined when there is no such process. */
export const processCpuNanoseconds = (pid: number): bigint | undefined => addon.processCpuNanoseconds(pid) ?? undefined
