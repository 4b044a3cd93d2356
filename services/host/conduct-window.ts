import { type CountedKind, type Counts, countedKinds } from './conduct-policy.ts'

/** Violations of one kind that were seen at once: a million of them are one batch. */
export interface Batch {
  /** Rig time. */
  readonly atMs: number
  /** 1 or more. */
  readonly count: number
}

/** The violations that still count, by kind, the oldest first. */
export type Windows = Readonly<Record<CountedKind, readonly Batch[]>>

export const noWindows: Windows = { crash: [], capability: [], timeout: [], budget: [] }

const byKind = <Value>(make: (kind: CountedKind) => Value): Readonly<Record<CountedKind, Value>> => ({
  crash: make('crash'),
  capability: make('capability'),
  timeout: make('timeout'),
  budget: make('budget'),
})

const sum = (a: number, b: number): number => Math.min(a + b, Number.MAX_SAFE_INTEGER)

/** What is younger than `lengthMs`. One that is exactly that old counts no more. */
const prune = (windows: Windows, nowMs: number, lengthMs: number): Windows =>
  byKind((kind) => windows[kind].filter(({ atMs }) => atMs > nowMs - lengthMs))

/** Batches of one moment are one. */
function append(batches: readonly Batch[], count: number, nowMs: number): readonly Batch[] {
  const last = batches.at(-1)
  if (count === 0) return batches
  if (last?.atMs !== nowMs) return [...batches, { atMs: nowMs, count }]
  return [...batches.slice(0, -1), { atMs: nowMs, count: sum(last.count, count) }]
}

/** The windows after these were seen. */
export function addToWindows(windows: Windows, counts: Counts, nowMs: number, lengthMs: number): Windows {
  const young = prune(windows, nowMs, lengthMs)
  return byKind((kind) => append(young[kind], counts[kind], nowMs))
}

/** How many of each kind count now. */
export function countWindows(windows: Windows, nowMs: number, lengthMs: number): Counts {
  const young = prune(windows, nowMs, lengthMs)
  return byKind((kind) => young[kind].reduce((all, { count }) => sum(all, count), 0))
}

export const addCounts = (a: Counts, b: Counts): Counts => byKind((kind) => sum(a[kind], b[kind]))

export const someOf = (counts: Counts): boolean => countedKinds.some((kind) => counts[kind] > 0)

/** The first kind of which there are as many as its threshold. */
export const overThreshold = (counts: Counts, thresholds: Counts): CountedKind | undefined =>
  countedKinds.find((kind) => counts[kind] >= thresholds[kind])
