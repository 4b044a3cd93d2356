import type { LoopView } from './loop-view.ts'
import type { Place } from './place.ts'
import { sightOf } from './process-sight.ts'
import { addStatement, isBusy, type Spending } from './spending.ts'

/** Watches what the processes of plugins spend, by the kernel's word: what they say of themselves they may make up. */
export interface SpendingWatch {
  /** Ends every process that spends more than its frames explain. To be called some twenty times a second. */
  look(places: readonly Place[]): void
  /** The process with this number was at work for most of the time before the last look. */
  wasBusy(instance: number): boolean
}

export function watchSpending(loop: LoopView): SpendingWatch {
  let known = new Map<number, Spending>()
  let busy = new Set<number>()

  return {
    look(places) {
      const next = new Map<number, Spending>()
      const atWork = new Set<number>()
      for (const place of places) {
        const where = place.seat().place()
        const counts = where && loop.countsOf(where)
        const sight = where && sightOf(where.pid)
        // One that is gone was last seen as it was last seen.
        if (where !== undefined && sight === undefined && busy.has(where.instance)) atWork.add(where.instance)
        if (where === undefined || counts?.instance !== where.instance || sight === undefined) continue
        const statement = {
          atNs: process.hrtime.bigint(),
          cpuNs: sight.cpuNs,
          sent: counts.sent,
          told: counts.budgetViolations,
        }
        const before = known.get(where.instance)
        if (before !== undefined && isBusy(before.newest, statement)) atWork.add(where.instance)
        const { spending, detail } = addStatement(before, statement, where.budgetUs)
        next.set(where.instance, spending)
        if (detail !== undefined) place.seat().endProcess({ charged: 'budget', detail })
      }
      known = next
      busy = atWork
    },
    wasBusy: (instance) => busy.has(instance),
  }
}
