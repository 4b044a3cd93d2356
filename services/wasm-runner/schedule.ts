/**
 * When plugins are due: at the multiples of their period since a moment that all share, and some a part of a period
 * after those. Due times never drift, whatever a tick cost; what has one rate and one delay is due together, so a value
 * passes through all of it at once.
 */
export interface Schedule {
  readonly periodMs: number
  /** How long after the multiples. */
  readonly delayMs: number
  /** Periods since the shared moment that are over, or were ticked. */
  readonly tick: number
}

/** Ticks that were due until then, ms since the shared moment. */
export const ticksUntil = ({ periodMs, delayMs }: Omit<Schedule, 'tick'>, nowMs: number): number =>
  Math.floor((nowMs - delayMs) / periodMs)

/** `nowMs`: since the shared moment. The first tick is the next one that is due. `delay`: 0 to 1, of a period. */
export function startSchedule(rateHz: number, nowMs: number, delay = 0): Schedule {
  const periodMs = 1000 / rateHz
  const times = { periodMs, delayMs: delay * periodMs }
  return { ...times, tick: ticksUntil(times, nowMs) }
}

/** When the next tick is due, ms since the shared moment. */
export const dueMs = ({ tick, periodMs, delayMs }: Schedule): number => (tick + 1) * periodMs + delayMs

/** When the newest tick that was taken was due, ms since the shared moment. */
export const lastDueMs = ({ tick, periodMs, delayMs }: Schedule): number => tick * periodMs + delayMs

/**
 * Takes the tick that is due. When more than one is, only the newest is taken and the others are left out: late ticks
 * in a bunch would be no use to anybody.
 */
export function takeTick(schedule: Schedule, nowMs: number): Schedule {
  // The multiplication of dueMs() and this division may round to different sides of the same moment.
  return { ...schedule, tick: Math.max(schedule.tick + 1, ticksUntil(schedule, nowMs)) }
}
