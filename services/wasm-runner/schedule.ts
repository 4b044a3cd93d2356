/**
 * When a plugin is due: at the multiples of its period since a moment that every plugin shares. Due times never
 * drift, whatever a tick cost; plugins of one rate are due together, so a value passes through all of them at once.
 */
export interface Schedule {
  readonly periodMs: number
  /** Periods since the shared moment that are over, or were ticked. */
  readonly tick: number
}

/** `nowMs`: since the shared moment. The first tick is due at the next multiple of the period. */
export function startSchedule(rateHz: number, nowMs: number): Schedule {
  const periodMs = 1000 / rateHz
  return { periodMs, tick: Math.floor(nowMs / periodMs) }
}

/** When the next tick is due, ms since the shared moment. */
export const dueMs = (schedule: Schedule): number => (schedule.tick + 1) * schedule.periodMs

/**
 * Takes the tick that is due. When more than one is, only the newest is taken and the others are `missed`: late ticks
 * in a bunch would be no use to anybody.
 */
export function takeTick(schedule: Schedule, nowMs: number): { readonly schedule: Schedule; readonly missed: number } {
  // The multiplication of dueMs() and this division may round to different sides of the same moment.
  const tick = Math.max(schedule.tick + 1, Math.floor(nowMs / schedule.periodMs))
  return { schedule: { ...schedule, tick }, missed: tick - schedule.tick - 1 }
}
