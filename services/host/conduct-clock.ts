/** Rig time, and what the wall clock said then: ms since 1970 both. What is kept of the clock from host to host. */
export interface ClockMark {
  readonly rigMs: number
  readonly wallMs: number
}

/** What the clocks of the machine say, whole ms: the wall's, and one that counts since some time and is never set. */
export interface Clocks {
  readonly wallMs: number
  readonly upMs: number
}

/**
 * The clock that conduct is measured by. It is the wall clock on the day when the rig is new; from then on it goes on by what
 * has passed, whatever the wall clock is set to: while a host runs by the clock that nobody sets, and from host to host by
 * the wall clock, or not at all where that one went back meanwhile. So it never goes back.
 */
export interface RigClock extends ClockMark {
  readonly upMs: number
}

/** The clock of a host that starts. `mark`: the last that a host before it left. */
export const resumeClock = (mark: ClockMark | undefined, { wallMs, upMs }: Clocks): RigClock => ({
  rigMs: mark === undefined ? wallMs : mark.rigMs + Math.max(0, wallMs - mark.wallMs),
  ...{ wallMs, upMs },
})

export const advanceClock = (clock: RigClock, { wallMs, upMs }: Clocks): RigClock => ({
  rigMs: clock.rigMs + Math.max(0, upMs - clock.upMs),
  ...{ wallMs, upMs: Math.max(upMs, clock.upMs) },
})

/** How far the wall clock was set, forwards or (negative) backwards, between two marks, ms. */
export const stepMs = (before: ClockMark, after: ClockMark): number =>
  after.wallMs - before.wallMs - (after.rigMs - before.rigMs)

/** What the wall clock shows, or showed or will show unless it is set, at a rig time. */
export const wallOf = ({ rigMs, wallMs }: ClockMark, atMs: number): number => atMs - rigMs + wallMs
