import { createForcePipeline, type ForcePipeline } from './force-pipeline.ts'
import { type GrantedOperations, grantedOperations } from './granted-operations.ts'
import type { Instance } from './instance.ts'
import { createPostOffice, type PostOffice } from './mailbox.ts'
import type { PluginSpec } from './plugin-spec.ts'
import { dueMs, type Schedule } from './schedule.ts'

/** A plugin that runs. */
export interface Seat {
  readonly ticket: number
  readonly spec: PluginSpec
  readonly instance: Instance
  readonly runs: GrantedOperations
  schedule: Schedule
  /** Units of fuel a µs of this plugin's code. */
  unitsPerUs: number
}

/** The plugins of one executor in their order, and what they share: the force pipeline and the mail. */
export interface Seats {
  readonly pipeline: ForcePipeline
  readonly mail: PostOffice
  /** Those that are called, in order. The array is never changed: who joins or leaves makes a new one. */
  called(): readonly Seat[]
  /** When the next one is due, ms since the schedules' shared moment; Infinity when none is. */
  nextDueMs(): number
  join(newcomer: Omit<Seat, 'runs'>): void
  /** Undefined when no such plugin runs. */
  leave(ticket: number): Seat | undefined
}

const byOrder = (a: Seat, b: Seat): number => a.spec.order - b.spec.order || (a.spec.id < b.spec.id ? -1 : 1)

export function createSeats(): Seats {
  const pipeline = createForcePipeline()
  const mail = createPostOffice()
  let seats: readonly Seat[] = []
  let called: readonly Seat[] = []

  const arrange = (next: readonly Seat[]): void => {
    seats = [...next].sort(byOrder)
    called = seats.filter(({ runs }) => runs.telemetry || runs.leds)
    pipeline.arrange(called.filter(({ runs }) => runs.force).map(({ ticket }) => ticket))
  }

  return {
    pipeline,
    mail,
    called: () => called,
    nextDueMs: () => called.reduce((earliest, { schedule }) => Math.min(earliest, dueMs(schedule)), Infinity),
    join(newcomer) {
      const { spec } = newcomer
      arrange([...seats, { ...newcomer, runs: grantedOperations(spec) }])
      if (spec.capabilities.includes('InterPluginComm')) mail.open(spec.id)
    },
    leave(ticket) {
      const left = seats.find((seat) => seat.ticket === ticket)
      if (left === undefined) return undefined
      arrange(seats.filter((seat) => seat !== left))
      if (!seats.some(({ spec }) => spec.id === left.spec.id)) mail.close(left.spec.id)
      return left
    },
  }
}
