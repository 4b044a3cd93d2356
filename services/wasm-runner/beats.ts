import { dueMs, type Schedule, startSchedule, takeTick } from './schedule.ts'

/**
 * Plugins whose ticks nobody else sees need not be due at the same moment, and a thousand that are keep everybody else
 * waiting for as long as a thousand ticks take. So they are spread over the period: a wake-up costs as much as a few
 * ticks, so that a part is opened when the one before it has so many.
 */
const parts = 16
const fullPart = 16

/** One moment at which plugins are due, again and again. */
export interface Beat {
  readonly rateHz: number
  readonly part: number
  schedule: Schedule
  /** How many plugins are due then. */
  members: number
}

export interface Beats {
  /**
   * The beat that a plugin of this rate is to keep, with one member more. `together`: with all others of its rate that
   * have to be, because the rig, or another plugin, sees when it ticks.
   */
  join(rateHz: number, together: boolean, nowMs: number): Beat
  leave(beat: Beat): void
  /** Takes the ticks that are due, one of each beat. */
  takeDue(nowMs: number): readonly Beat[]
  /** When the next one is due, ms since the schedules' shared moment; Infinity when none is. */
  nextDueMs(): number
}

export function createBeats(): Beats {
  let beats: readonly Beat[] = []

  /** The first part that has room; where none has, the one with the fewest. */
  const partFor = (rateHz: number): number => {
    const members = Array.from({ length: parts }, () => 0)
    for (const beat of beats) if (beat.rateHz === rateHz) members[beat.part] = beat.members
    const roomy = members.findIndex((count) => count < fullPart)
    return roomy >= 0 ? roomy : members.indexOf(Math.min(...members))
  }

  const begin = (rateHz: number, part: number, nowMs: number): Beat => {
    const beat = { rateHz, part, schedule: startSchedule(rateHz, nowMs, part / parts), members: 0 }
    beats = [...beats, beat]
    return beat
  }

  return {
    join(rateHz, together, nowMs) {
      const part = together ? 0 : partFor(rateHz)
      const beat = beats.find((each) => each.rateHz === rateHz && each.part === part) ?? begin(rateHz, part, nowMs)
      beat.members++
      return beat
    },
    leave(beat) {
      beat.members--
      if (beat.members === 0) beats = beats.filter((other) => other !== beat)
    },
    takeDue(nowMs) {
      const due = beats.filter(({ schedule }) => nowMs >= dueMs(schedule))
      for (const beat of due) beat.schedule = takeTick(beat.schedule, nowMs)
      return due
    },
    nextDueMs() {
      let earliest = Infinity
      for (const { schedule } of beats) earliest = Math.min(earliest, dueMs(schedule))
      return earliest
    },
  }
}
