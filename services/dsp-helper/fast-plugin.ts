import type { FastPlugin } from '../../gen/proto/openracing/v1/dsp_helper.ts'
import type { Histogram } from '../../gen/proto/openracing/v1/statistics.ts'
import type { SlotCounts } from '../../shm/rig-window.ts'
import type { Seat } from './seat.ts'

const noCounts = { executions: 0n, failures: 0n, budgetViolations: 0n, missedDeadlines: 0n }

/** A seat and what the loop counted for it, as the API says it. */
export function fastPluginOf(
  seat: Seat,
  counts: SlotCounts | undefined,
  cpuOf: (slot: number) => Histogram,
): FastPlugin {
  const { slot, life, pid, restarts } = seat.saved()
  const { executions, failures, budgetViolations, missedDeadlines } = counts ?? noCounts
  return {
    id: seat.spec.id,
    state: seat.state(),
    detail: seat.detail(),
    pid,
    life,
    statistics: {
      executions,
      failures,
      budgetViolations,
      missedDeadlines,
      restarts,
      cpu: counts === undefined ? undefined : cpuOf(slot),
    },
  }
}
