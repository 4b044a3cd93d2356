import { type Beat, createBeats } from './beats.ts'
import type { IdWords } from './call-record.ts'
import { createForcePipeline, type ForcePipeline } from './force-pipeline.ts'
import { type GrantedOperations, grantedOperations } from './granted-operations.ts'
import type { Instance } from './instance.ts'
import { createPostOffice, type PostOffice } from './mailbox.ts'
import type { PluginSpec } from './plugin-spec.ts'
import { ticksUntil } from './schedule.ts'

/** A plugin that runs. */
export interface Seat {
  readonly ticket: number
  readonly spec: PluginSpec
  readonly idWords: IdWords
  readonly instance: Instance
  readonly runs: GrantedOperations
  /** When it is due; undefined when it is never called. */
  readonly beat: Beat | undefined
  /** Its newest tick, or the last before it joined, in periods since the shared moment. */
  tick: number
  /** Units of fuel a µs of this plugin's code. */
  unitsPerUs: number
}

/** The plugins of one executor in their order, and what they share: the force pipeline and the mail. */
export interface Seats {
  readonly pipeline: ForcePipeline
  readonly mail: PostOffice
  /** Takes the tick of all that are due, ms since the schedules' shared moment. In order. */
  takeDue(nowMs: number): readonly Seat[]
  /** When the next one is due, ms since the schedules' shared moment; Infinity when none is. */
  nextDueMs(): number
  join(newcomer: Omit<Seat, 'runs' | 'beat' | 'tick'>, nowMs: number): void
  /** Undefined when no such plugin runs. */
  leave(ticket: number): Seat | undefined
}

const byOrder = (a: Seat, b: Seat): number => a.spec.order - b.spec.order || (a.spec.id < b.spec.id ? -1 : 1)

const hasMail = ({ capabilities }: PluginSpec): boolean => capabilities.includes('InterPluginComm')
const isCalled = ({ telemetry, leds }: GrantedOperations): boolean => telemetry || leds
/** Forces, lights and messages pass through all plugins at once. */
const isSeen = (runs: GrantedOperations, spec: PluginSpec): boolean => runs.force || runs.leds || hasMail(spec)

export function createSeats(): Seats {
  const pipeline = createForcePipeline()
  const mail = createPostOffice()
  const beats = createBeats()
  let seats: readonly Seat[] = []
  /** Those of each beat, in order. The arrays are never changed: who joins or leaves makes new ones. */
  let called = new Map<Beat, readonly Seat[]>()

  const arrange = (next: readonly Seat[]): void => {
    seats = [...next].sort(byOrder)
    called = Map.groupBy(
      seats.filter(({ beat }) => beat !== undefined),
      ({ beat }) => beat as Beat,
    )
    pipeline.arrange(seats.filter(({ runs }) => runs.force).map(({ ticket }) => ticket))
  }

  return {
    pipeline,
    mail,
    takeDue(nowMs) {
      const due = beats.takeDue(nowMs)
      const [first] = due
      if (first === undefined) return []
      if (due.length === 1) return called.get(first) ?? []
      return seats.filter(({ beat }) => beat !== undefined && due.includes(beat))
    },
    nextDueMs: beats.nextDueMs,
    join(newcomer, nowMs) {
      const { spec } = newcomer
      const runs = grantedOperations(spec)
      const beat = isCalled(runs) ? beats.join(spec.rateHz, isSeen(runs, spec), nowMs) : undefined
      const tick = beat === undefined ? 0 : ticksUntil(beat.schedule, nowMs)
      arrange([...seats, { ...newcomer, runs, beat, tick }])
      if (hasMail(spec)) mail.open(spec.id)
    },
    leave(ticket) {
      const left = seats.find((seat) => seat.ticket === ticket)
      if (left === undefined) return undefined
      if (left.beat !== undefined) beats.leave(left.beat)
      arrange(seats.filter((seat) => seat !== left))
      if (!seats.some(({ spec }) => spec.id === left.spec.id)) mail.close(left.spec.id)
      return left
    },
  }
}
