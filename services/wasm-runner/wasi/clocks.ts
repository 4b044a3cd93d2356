import { refuse } from './errno.ts'
import type { Call, World } from './world.ts'

/**
 * What the clocks tell apart, ns. A clock that is finer is a stopwatch for the caches that plugins of one process share; a
 * tick is fifty of these.
 */
export const clockStepNs = 100_000n

export interface ClockNeeds {
  /** ns since 1970. */
  realtimeNs(): bigint
  /** ns from whatever moment; never less than before. */
  monotonicNs(): bigint
}

/** `clockid` of typenames.witx. */
const clockid = { realtime: 0, monotonic: 1, processCpu: 2, threadCpu: 3 } as const

const inSteps = (ns: bigint): bigint => ns - (ns % clockStepNs)

/** The time of a clock, in whole steps. NOTSUP for those of CPU time: the process and the thread are all plugins'. */
export function readClock(clocks: ClockNeeds, id: number): bigint {
  switch (id) {
    case clockid.realtime:
      return inSteps(clocks.realtimeNs())
    case clockid.monotonic:
      return inSteps(clocks.monotonicNs())
    case clockid.processCpu:
    case clockid.threadCpu:
      return refuse('NOTSUP')
    default:
      return refuse('INVAL')
  }
}

export function clockCalls({ memory }: World, clocks: ClockNeeds) {
  return {
    clock_res_get(id: number, result: number) {
      readClock(clocks, id)
      memory.view(result, 8).setBigUint64(0, clockStepNs, true)
    },
    clock_time_get(id: number, _precision: bigint, result: number) {
      memory.view(result, 8).setBigUint64(0, readClock(clocks, id), true)
    },
  } satisfies Record<string, Call>
}
