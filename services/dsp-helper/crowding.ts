import type { SlotCounts } from '../../shm/rig-window.ts'

/** Over how many ticks it is looked at whether a plugin gets its turn: a second of them. */
const windowTicks = 1000n
/** One tick in so many may be used up before it is a plugin's turn: a busy machine does that. */
const shareOfTicks = 10n

type Turns = Pick<SlotCounts, 'instance' | 'sent' | 'leftOut'>

/** Whether the plugins before this one leave it time in the tick. */
export interface Crowding {
  /** At the beginning of the window. */
  readonly since: Turns
  /** Of the last whole window: why the loop leaves it out; undefined while it does not. */
  readonly detail: string | undefined
}

/** Adds what the loop counted. Pure; a process that is started again is looked at anew. */
export function watchTurns(before: Crowding | undefined, { instance, sent, leftOut }: Turns): Crowding {
  const now = { instance, sent, leftOut }
  const since = before?.since
  if (since === undefined || since.instance !== instance || sent < since.sent || leftOut < since.leftOut)
    return { since: now, detail: undefined }
  const out = leftOut - since.leftOut
  const ticks = sent - since.sent + out
  if (ticks < windowTicks) return { since, detail: before?.detail }
  const detail =
    out * shareOfTicks > ticks
      ? `the plugins before it use the tick up: it was not asked in ${out} of ${ticks} ticks; take one out of the chain, or let them compute less`
      : undefined
  return { since: now, detail }
}
