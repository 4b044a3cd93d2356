import type { PluginStatistics } from '../../gen/proto/openracing/v1/statistics.ts'
import { createHistogram } from '../../shm/histogram.ts'
import type { TickEntry } from './ledger.ts'

/** What a plugin did and cost since it was loaded; it survives the restarts of the plugin and of the executor. */
export interface Statistics {
  count(entry: TickEntry): void
  /** The plugin was lost: it trapped, did not come back, or did not start again. */
  countLoss(): void
  /** The loss was for want of fuel. */
  countOutOfFuel(): void
  countRestart(): void
  snapshot(): PluginStatistics
}

export function createStatistics(): Statistics {
  const cpu = createHistogram()
  const fuel = { last: 0, most: 0, sum: 0 }
  const counts = { executions: 0, failures: 0, budgetViolations: 0, missedDeadlines: 0, unreturned: 0, restarts: 0 }
  const countFuel = (used: number): void => {
    fuel.last = used
    fuel.most = Math.max(fuel.most, used)
    fuel.sum += used
  }
  return {
    count(entry) {
      counts.executions += entry.returned ? 1 : 0
      counts.failures += entry.failed ? 1 : 0
      counts.budgetViolations += entry.overBudget ? 1 : 0
      counts.missedDeadlines += entry.missed
      cpu.record(entry.cpuNs)
      if (entry.returned) countFuel(entry.fuel)
    },
    countLoss() {
      counts.failures++
      counts.unreturned++
    },
    countOutOfFuel() {
      counts.budgetViolations++
    },
    countRestart() {
      counts.restarts++
    },
    snapshot: () => ({
      executions: BigInt(counts.executions),
      failures: BigInt(counts.failures),
      unreturned: BigInt(counts.unreturned),
      budgetViolations: BigInt(counts.budgetViolations),
      missedDeadlines: BigInt(counts.missedDeadlines),
      cpu: cpu.snapshot(),
      restarts: counts.restarts,
      fuel: {
        last: BigInt(fuel.last),
        most: BigInt(fuel.most),
        mean: counts.executions === 0 ? 0 : fuel.sum / counts.executions,
      },
    }),
  }
}
