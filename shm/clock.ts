import { addon } from '../native/addon.ts'

/** CPU time of the calling thread, ns (CLOCK_THREAD_CPUTIME_ID). */
export const threadCpuNanoseconds = (): bigint => addon.threadCpuNanoseconds()
