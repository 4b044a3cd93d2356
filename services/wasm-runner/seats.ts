import { type Beat, createBeats } from './beats.ts'
import type { IdWords } from './call-record.ts'
import { createForcePipeline, type ForcePipeline } from './force-pipeline.ts'
import { type GrantedOperations, grantedOperations, runsNothing } from './granted-operations.ts'
import type { Instance } from './instance.ts'
import { createPostOffice, type PostOffice } from './mailbox.ts'
import type { PluginSpec } from './plugin-spec.ts'
import type { PluginTerms } from './plugin-terms.ts'
import { ticksUntil } from './schedule.ts'

/** A plugin that runs. */
export interface Seat {
  readonly ticket: number
  readonly spec: PluginSpec
  readonly terms: PluginTerms
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

export type Newcomer = Omit<Seat, 'runs' | 'beat' | 'tick'>

/** The plugins of one executor in their order, and what they share: the force pipeline and the mail. */
export interface Seats {
  readonly pipeline: ForcePipeline
  readonly mail: PostOffice
  /** Takes the tick of all that are due, ms since the schedules' shared moment. In order. */
  takeDue(nowMs: number): readonly Seat[]
  /** When the next one is due, ms since the schedules' shared moment; Infinity when none is. */
  nextDueMs(): number
  join(newcomer: Newcomer, nowMs: number): void
  /**
   * A plugin runs on these terms from now on. One that keeps its rate keeps its beat, so that none of its ticks is lost;
   * another rate's next tick is due at the next multiple of its period. Undefined when no such plugin runs.
   */
  adjust(ticket: number, terms: PluginTerms, nowMs: number): { readonly before: Seat; readonly after: Seat } | undefined
  /** Undefined when no such plugin runs. */
  leave(ticket: number): Seat | undefined
}

const byOrder = (a: Seat, b: Seat): number => a.spec.order - b.spec.order || (a.spec.id < b.spec.id ? -1 : 1)

const hasMail = ({ capabilities }: PluginTerms): boolean => capabilities.includes('InterPluginComm')
const isCalled = ({ telemetry, leds }: GrantedOperations): boolean => telemetry || leds
/** Forces, lights and messages pass through all plugins at once. */
const isSeen = (runs: GrantedOperations, terms: PluginTerms): boolean => runs.force || runs.leds || hasMail(terms)

const runsOf = ({ operations }: PluginSpec, { rateHz, capabilities }: PluginTerms): GrantedOperations =>
  // Who is not ticked has no answers either: what the force was made of by its last one does not stay.
  rateHz === 0 ? runsNothing : grantedOperations({ operations, capabilities })

/** It is due apart from others, and may not be any more. */
const mustMove = ({ beat }: Seat, runs: GrantedOperations, terms: PluginTerms): boolean =>
  beat !== undefined && beat.part !== 0 && isSeen(runs, terms)

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

  const seated = (newcomer: Newcomer, nowMs: number): Seat => {
    const { spec, terms } = newcomer
    const runs = runsOf(spec, terms)
    const beat = isCalled(runs) ? beats.join(terms.rateHz, isSeen(runs, terms), nowMs) : undefined
    return { ...newcomer, runs, beat, tick: beat === undefined ? 0 : ticksUntil(beat.schedule, nowMs) }
  }

  const readjusted = (before: Seat, terms: PluginTerms, nowMs: number): Seat => {
    const runs = runsOf(before.spec, terms)
    // What is together with others by what it has stays so when it has less: it is the same beat, and costs nothing.
    const staysInBeat = isCalled(runs) && before.beat?.rateHz === terms.rateHz && !mustMove(before, runs, terms)
    if (staysInBeat) return { ...before, terms, runs }
    if (before.beat !== undefined) beats.leave(before.beat)
    return seated({ ...before, terms }, nowMs)
  }

  /** A mailbox is there while a plugin of that id may use it. */
  const sortMail = (id: string): void => {
    if (seats.some(({ spec, terms }) => spec.id === id && hasMail(terms))) mail.open(id)
    else mail.close(id)
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
      arrange([...seats, seated(newcomer, nowMs)])
      sortMail(newcomer.spec.id)
    },
    adjust(ticket, terms, nowMs) {
      const before = seats.find((seat) => seat.ticket === ticket)
      if (before === undefined) return undefined
      const after = readjusted(before, terms, nowMs)
      arrange(seats.map((seat) => (seat === before ? after : seat)))
      sortMail(before.spec.id)
      return { before, after }
    },
    leave(ticket) {
      const left = seats.find((seat) => seat.ticket === ticket)
      if (left === undefined) return undefined
      if (left.beat !== undefined) beats.leave(left.beat)
      arrange(seats.filter((seat) => seat !== left))
      sortMail(left.spec.id)
      return left
    },
  }
}
