import { type Counts, noCounts } from './conduct-policy.ts'
import type { ReportedPlugin, ReportedTally } from './conduct-report.ts'
import { addCounts } from './conduct-window.ts'

/** What was counted of a service's counters already: theirs when they were last read. */
export interface Reading {
  readonly name: string
  /** By the word of the violation. */
  readonly tallies: Readonly<Record<string, Tally>>
}

export type Tally = Pick<ReportedTally, 'count' | 'lastUs'>

/** What is new. */
export interface Growth {
  readonly counts: Counts
  /** The evidence of what is new and counts. */
  readonly details: readonly string[]
  /** What is counted now; the reading before where it is no other. */
  readonly reading: Reading | undefined
}

/**
 * How many are new. A count that is smaller under the same name is that of a helper that was killed before it had written
 * down what it told: it tells that again. Unless its newest one is newer than the one that was counted: then the service
 * has begun anew, and all of them are.
 */
function growthOf({ count, lastUs }: ReportedTally, before: Tally | undefined): number {
  if (before === undefined) return count
  if (count >= before.count) return count - before.count
  return lastUs > before.lastUs ? count : 0
}

/** What is new in the counters of a plugin since `before`. Counters of another name are new altogether. */
export function growthSince(before: Reading | undefined, { name, tallies }: ReportedPlugin): Growth {
  const known = before?.name === name ? before.tallies : {}
  const grown = tallies
    .map((tally) => ({ ...tally, more: growthOf(tally, known[tally.word]) }))
    .filter(({ more }) => more > 0)
  if (grown.length === 0) return { counts: noCounts, details: [], reading: before }
  const counted = grown.filter(({ as }) => as !== null)
  const counts = counted.reduce(
    (sum, { as, more }) => (as === null ? sum : addCounts(sum, { ...noCounts, [as]: more })),
    noCounts,
  )
  const newest = Object.fromEntries(grown.map(({ word, count, lastUs }) => [word, { count, lastUs }]))
  return { counts, details: counted.map(({ detail }) => detail), reading: { name, tallies: { ...known, ...newest } } }
}
