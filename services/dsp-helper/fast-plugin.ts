import { sandboxLandlock, sandboxSeccomp } from '../../gen/layout.ts'
import type { FastPlugin } from '../../gen/proto/openracing/v1/dsp_helper.ts'
import { PluginState } from '../../gen/proto/openracing/v1/plugin.ts'
import { type Histogram, PluginPhase, type Violation, ViolationKind } from '../../gen/proto/openracing/v1/statistics.ts'
import type { PluginPhase as Phase, PluginReport } from '../../shm/plugin-report.ts'
import type { SlotCounts } from '../../shm/rig-window.ts'
import { type Charge, type Conduct, type ViolationKind as Kind, unreturnedOf } from './conduct.ts'
import { rateDetail, stateAt } from './rate.ts'
import type { Seat } from './seat.ts'

const noCounts = { executions: 0n, failures: 0n, budgetViolations: 0n, missedDeadlines: 0n, leftOut: 0n }

const kinds: Readonly<Record<Kind, ViolationKind>> = {
  crash: ViolationKind.VIOLATION_KIND_CRASH,
  capability: ViolationKind.VIOLATION_KIND_CAPABILITY,
  timeout: ViolationKind.VIOLATION_KIND_TIMEOUT,
  memory: ViolationKind.VIOLATION_KIND_MEMORY,
  budget: ViolationKind.VIOLATION_KIND_BUDGET,
  result: ViolationKind.VIOLATION_KIND_RESULT,
  'not-finite': ViolationKind.VIOLATION_KIND_NOT_FINITE,
  protocol: ViolationKind.VIOLATION_KIND_PROTOCOL,
}

const phases: Readonly<Record<Phase, PluginPhase>> = {
  loading: PluginPhase.PLUGIN_PHASE_LOADING,
  creating: PluginPhase.PLUGIN_PHASE_CREATING,
  idle: PluginPhase.PLUGIN_PHASE_IDLE,
  processing: PluginPhase.PLUGIN_PHASE_PROCESSING,
  destroying: PluginPhase.PLUGIN_PHASE_DESTROYING,
}

const toMessage = ({ kind, phase, count, detail, sequence, lastMs }: Charge): Violation => ({
  kind: kinds[kind],
  phase: phase === null ? PluginPhase.PLUGIN_PHASE_UNSPECIFIED : phases[phase],
  count: BigInt(count),
  detail,
  sequence,
  lastTimeUnixUs: BigInt(lastMs) * 1000n,
})

export interface FastPluginParts {
  readonly seat: Seat
  /** Undefined while the loop does not have it. */
  readonly counts: SlotCounts | undefined
  readonly cpu: Histogram | undefined
  /** What its process says of itself. */
  readonly report: PluginReport | undefined
  readonly conduct: Conduct
  /** As SavedPlace.tenure. */
  readonly tenure: string
  readonly refusal: string
  /** Why the loop leaves it out; undefined while it does not. */
  readonly crowded: string | undefined
  /** Calls a second. */
  readonly rateHz: number
}

/** A plugin's seat, what the loop counted for it and what it did, as the API says it. */
export function fastPluginOf({
  seat,
  counts,
  cpu,
  report,
  conduct,
  tenure,
  refusal,
  crowded,
  rateHz,
}: FastPluginParts): FastPlugin {
  const { life, pid, restarts, fence } = seat.saved()
  const state = seat.state()
  const ready = state === PluginState.PLUGIN_STATE_RUNNING
  const { executions, failures, budgetViolations, missedDeadlines, leftOut } = counts ?? noCounts
  const unreturned = BigInt(unreturnedOf(conduct, life))
  return {
    id: seat.spec.id,
    state: ready ? stateAt(rateHz) : state,
    detail: [crowded ?? seat.detail(), ready ? rateDetail(rateHz) : ''].filter((part) => part !== '').join('; '),
    pid,
    life,
    tenure: BigInt(tenure),
    statistics: {
      executions,
      failures: failures + unreturned,
      unreturned,
      budgetViolations,
      missedDeadlines,
      leftOut,
      restarts,
      cpu,
      memory: {
        allocatedBytes: report?.memoryBytes ?? 0n,
        mostBytes: report?.memoryMax ?? 0n,
        processAllocations: BigInt(conduct.allocations),
      },
    },
    violations: conduct.charges.map(toMessage),
    refusal,
    confinement:
      pid === 0 ? undefined : { landlock: (fence & sandboxLandlock) !== 0, seccomp: (fence & sandboxSeccomp) !== 0 },
  }
}
