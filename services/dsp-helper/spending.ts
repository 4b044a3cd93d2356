/** Over how long what a process spends is added up, ns. */
const windowNs = 500_000_000n
/** What a frame may cost beside the plugin's budget, ns: a spin for it of 160 µs, the answer, reading clocks. */
const frameNs = 300_000n
/** One part in so many of the time is for what no frame explains: interrupts, a machine that is shared. */
const shareOfTime = 10n
/** Windows in a row: what a host takes from a virtual machine counts as a process's time, too. */
const windowsInARow = 2

/** A plugin's process at one moment, by the kernel's word and the loop's. */
export interface Statement {
  /** CLOCK_MONOTONIC. */
  readonly atNs: bigint
  /** CPU time of the process. */
  readonly cpuNs: bigint
  /** Frames that the loop sent it. */
  readonly sent: bigint
  /** Calls beyond the budget that it told of, and that are charged for it. */
  readonly told: bigint
}

export interface Spending {
  readonly first: Statement
  readonly newest: Statement
  /** Windows in a row in which it spent more than its frames may cost. */
  readonly over: number
}

export interface Judgement {
  readonly spending: Spending
  /** Why the process should be ended. */
  readonly detail: string | undefined
}

const ms = (ns: bigint): string => `${ns / 1_000_000n} ms`

/** It was at work for more than half of the time since the statement before. */
export const isBusy = (before: Statement, now: Statement): boolean =>
  2n * (now.cpuNs - before.cpuNs) > now.atNs - before.atNs

/**
 * Adds a statement. A process that computes more than the frames that it was given can explain, and tells of no call that
 * did, answers for itself or not at all: whatever it says, it keeps a core from others. Pure.
 */
export function addStatement(spending: Spending | undefined, now: Statement, budgetUs: number): Judgement {
  if (spending === undefined || now.sent < spending.first.sent || now.cpuNs < spending.first.cpuNs)
    return { spending: { first: now, newest: now, over: 0 }, detail: undefined }
  const { first } = spending
  const tookNs = now.atNs - first.atNs
  if (tookNs < windowNs) return { spending: { ...spending, newest: now }, detail: undefined }

  const usedNs = now.cpuNs - first.cpuNs
  const frames = now.sent - first.sent
  const mayNs = frames * (BigInt(budgetUs) * 1000n + frameNs) + tookNs / shareOfTime
  const over = usedNs > mayNs && now.told === first.told ? spending.over + 1 : 0
  const detail =
    over >= windowsInARow
      ? `its process used ${ms(usedNs)} of CPU time in ${ms(tookNs)}, for ${frames} frames of ${budgetUs} µs, and told of no call that took longer`
      : undefined
  return { spending: { first: now, newest: now, over }, detail }
}
