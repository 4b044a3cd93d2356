import type { Violation } from './violation.ts'

/** How often one plugin is charged, ms: a loop of calls that were not granted is one thing that it does. */
const everyMs = 1000

/**
 * Charges a plugin with calls that it was not granted, at most once a second. `detail`: a sentence without its full stop.
 * `nowMs`: monotonic.
 */
export function createRefusals(nowMs: () => number, charge: (violation: Violation) => void): (detail: string) => void {
  let lastMs = -Infinity
  return (detail) => {
    const atMs = nowMs()
    if (atMs - lastMs < everyMs) return
    lastMs = atMs
    charge({ kind: 'capability', detail })
  }
}
