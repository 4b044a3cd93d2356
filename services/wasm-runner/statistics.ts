import type { PluginStatistics } from '../../gen/proto/openracing/v1/statistics.ts'
import { createHistogram } from '../../shm/histogram.ts'
import type { TickEntry } from './ledger.ts'

/** What a plugin did and cost since it was loaded; it survives the restarts of the plugin and of the executor. */
export interface Statistics {
  count(entry: TickEntry): void
  /** The plugin was lost: it trapped, did not come back, or did not start again. */
  countLoss(): void
  countRestart(): void
  snapshot(): PluginStatistics
}

export function createStatistics(): Statistics {
  const cpu = createHistogram()
  const counts = { executions: 0, failures: 0, budgetViolations: 0, missedDeadlines: 0, restarts: 0 }
  return {
    count(entry) {
      counts.executions += entry.returned ? 1 : 0
      counts.failures += entry.failed ? 1 : 0
      counts.budgetViolations += entry.overBudget ? 1 : 0
      counts.missedDeadlines += entry.missed
      cpu.record(entry.cpuNs)
    },
    countLoss() {
      counts.failures++
    },
    countRestart() {
      counts.restarts++
    },
    snapshot: () => ({
      executions: BigInt(counts.executions),
      failures: BigInt(counts.failures),
      budgetViolations: BigInt(counts.budgetViolations),
      missedDeadlines: BigInt(counts.missedDeadlines),
      cpu: cpu.snapshot(),
      restarts: counts.restarts,
    }),
  }
}
