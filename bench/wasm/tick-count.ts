import type { Histogram } from '../../gen/proto/openracing/v1/statistics.ts'
import { createHistogram } from '../../shm/histogram.ts'

/** How late a tick may begin and be on time, ns. */
const onTimeNs = 5_000_000

/** Ticks of a while. */
export interface TickCounts {
  /** Due: those that were done, and those that were missed. */
  readonly due: number
  readonly missed: number
  /** Began, or where that cannot be seen were over, at most 5 ms after they were due. */
  readonly onTime: number
  /** A tick that was missed counts as late by a period. */
  readonly lateness: Histogram
}

export interface TickCounter {
  tick(lateNs: number, missed: number): void
  snapshot(): TickCounts
}

export function createTickCounter(rateHz: number): TickCounter {
  const lateness = createHistogram()
  const counts = { due: 0, missed: 0, onTime: 0 }
  return {
    tick(lateNs, missed) {
      counts.due += 1 + missed
      counts.missed += missed
      if (lateNs <= onTimeNs) counts.onTime++
      lateness.record(lateNs)
      for (let tick = 0; tick < missed; tick++) lateness.record(1e9 / rateHz)
    },
    snapshot: () => ({ ...counts, lateness: lateness.snapshot() }),
  }
}
