/**
 * CPU time beyond its budget that a plugin may take within an hour, ns: ten ticks of the largest budget. What is small
 * harms no neighbour, however often; one tick of half a second does at once.
 */
const overrunMaxNs = 50_000_000
const hourMs = 3_600_000

/** What plugins took from their neighbours. */
export interface Overruns {
  /**
   * Counts what a tick of `plugin` took beyond its budget; true when that is too much in this hour. `plugin` is one of
   * those that have the same bytes: a thousand of them have a thousand times the interrupts.
   */
  add(plugin: string, overrunNs: number, nowMs: number): boolean
}

export function createOverruns(): Overruns {
  const totals = new Map<string, { readonly sinceMs: number; readonly ns: number }>()
  return {
    add(plugin, overrunNs, nowMs) {
      const last = totals.get(plugin)
      const hour = last !== undefined && nowMs - last.sinceMs < hourMs ? last : { sinceMs: nowMs, ns: 0 }
      const ns = hour.ns + overrunNs
      totals.set(plugin, { sinceMs: hour.sinceMs, ns })
      return ns > overrunMaxNs
    },
  }
}
