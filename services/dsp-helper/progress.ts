import type { SlotCounts } from '../../shm/rig-window.ts'

/** A call that has not come back after this long is not late, it hangs, ns. */
const hangNs = 500_000_000n

/** Remembers, per process of a plugin, when it last got on. */
export interface ProgressWatch {
  /** Why the process behind these counters should be ended, or undefined. `nowNs`: of a clock that does not go back. */
  complaint(counts: SlotCounts, nowNs: bigint): string | undefined
}

export function createProgressWatch(): ProgressWatch {
  const seen = new Map<number, { readonly executions: bigint; readonly sinceNs: bigint }>()
  return {
    complaint({ instance, state, sent, executions }, nowNs) {
      if (state === 'corrupt') return 'it wrote an impossible counter into its ring'
      if (state === 'unreadable') return 'its shared memory cannot be opened'
      const before = seen.get(instance)
      // Sent counts across processes: what matters is that this one has been given something and gives nothing back.
      if (before === undefined || executions !== before.executions || sent === executions) {
        seen.set(instance, { executions, sinceNs: nowNs })
        return undefined
      }
      if (nowNs - before.sinceNs < hangNs) return undefined
      seen.delete(instance)
      return `it has not answered for ${(nowNs - before.sinceNs) / 1_000_000n} ms`
    },
  }
}
