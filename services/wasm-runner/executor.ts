import type { Beat } from './beats.ts'
import { wordsOfId } from './call-record.ts'
import type { Order, Report, StartOrder } from './executor-messages.ts'
import type { Guard } from './guard.ts'
import { GuestFault } from './guest-fault.ts'
import { instantiate } from './instance.ts'
import type { PluginTerms } from './plugin-terms.ts'
import { createTicks, type TickNeeds, underTicket } from './plugin-tick.ts'
import { dueMs, lastDueMs, type Schedule, startSchedule, takeTick } from './schedule.ts'
import { createSeats, type Seat } from './seats.ts'
import { createThreadNetwork } from './thread-network.ts'

/** How often the answers of suspects are taken over: as often as the fastest Safe plugin ticks. */
const relayHz = 200

export interface ExecutorNeeds extends TickNeeds {
  tell(report: Report): void
  /** Of this thread. */
  readonly guard: Guard
  /** Monotonic, ms, from whatever moment. */
  now(): number
  /** Units of fuel a µs of this machine. */
  readonly unitsPerUs: number
}

/** Holds the instances and ticks them. One thread, no waiting: whoever has it calls sweep() when something is due. */
export interface Executor {
  obey(order: Exclude<Order, { kind: 'assign' }>): void
  /** Ticks every plugin that is due, in order. Returns when the next one is, ms on the clock of `now`; never: Infinity. */
  sweep(): number
}

export function createExecutor(needs: ExecutorNeeds): Executor {
  const { pulse, tell, guard, unitsPerUs } = needs
  const epochMs = needs.now()
  const elapsedMs = (): number => needs.now() - epochMs
  const seats = createSeats()
  const network = createThreadNetwork()
  const { refresh, tick, settle, relay } = createTicks(needs, seats.pipeline)
  let relays: Schedule | undefined

  const stop = (ticket: number): void => {
    const left = seats.leave(ticket)
    if (left === undefined) return
    try {
      underTicket(pulse, left, () => left.instance.shutdown())
    } catch (cause) {
      if (!(cause instanceof GuestFault)) throw cause
      tell({ kind: 'log', ticket, level: 'warn', line: cause.message })
    }
  }

  const start = ({ ticket, spec, terms, code, replaces, room }: StartOrder): void => {
    const idWords = wordsOfId(spec.id)
    const instance = underTicket(pulse, { ticket, idWords }, () =>
      instantiate(code, spec, {
        terms,
        unitsPerUs,
        mail: seats.mail,
        guard,
        log: (level, line) => tell({ kind: 'log', ticket, level, line }),
        now: needs.now,
        network: { room, thread: network, tell: (word) => tell({ kind: 'network', ticket, word }) },
        charge: (violation) => tell({ kind: 'violated', ticket, violation }),
      }),
    )
    seats.join({ ticket, spec, terms, idWords, instance, unitsPerUs }, elapsedMs())
    if (replaces !== undefined) stop(replaces)
  }

  const tryStart = (order: StartOrder): Report => {
    const { ticket, spec } = order
    try {
      start(order)
      return { kind: 'started', ticket }
    } catch (cause) {
      if (!(cause instanceof GuestFault)) throw cause
      const detail = `${spec.name} did not start (${cause.message}); ask its author`
      return { kind: 'refused', ticket, detail, violation: cause.violation }
    }
  }

  const adjust = (ticket: number, terms: PluginTerms): void => {
    const nowMs = elapsedMs()
    // What is due by now is due by the old terms, and so is lost by nobody.
    sweepAt(nowMs)
    const changed = seats.adjust(ticket, terms, nowMs)
    if (changed === undefined) return
    const { before, after } = changed
    before.instance.adjust(terms)
    if (before.runs.force && !after.runs.force) settle()
  }

  const tickOf = (seat: Seat, { schedule }: Beat): void => {
    const missed = schedule.tick - seat.tick - 1
    if (missed < 0) return // it joined after this tick was due
    seat.tick = schedule.tick
    const fault = tick(seat, missed, elapsedMs() - lastDueMs(schedule))
    if (fault === undefined) return
    seats.leave(seat.ticket)
    // Out of fuel or time it stopped in the middle of its work, as by any other trap: its memory may be in no state to go on
    // from. It is made anew, after the same pause.
    tell({ kind: 'lost', ticket: seat.ticket, violation: fault })
  }

  const relayIfDue = (): void => {
    if (relays === undefined || elapsedMs() < dueMs(relays)) return
    relays = takeTick(relays, elapsedMs())
    relay()
  }

  const sweepAt = (nowMs: number): void => {
    const due = seats.takeDue(nowMs)
    if (due.length > 0) refresh()
    for (const seat of due) if (seat.beat !== undefined) tickOf(seat, seat.beat)
  }

  const nextDueMs = (): number => Math.min(seats.nextDueMs(), relays === undefined ? Infinity : dueMs(relays))

  return {
    obey(order) {
      switch (order.kind) {
        case 'start':
          tell(tryStart(order))
          break
        case 'adjust':
          adjust(order.ticket, order.terms)
          tell({ kind: 'adjusted', ticket: order.ticket })
          break
        case 'stop':
          stop(order.ticket)
          tell({ kind: 'stopped', ticket: order.ticket })
          break
        case 'relay':
          relays ??= startSchedule(relayHz, elapsedMs())
          break
        case 'network':
          network.deliver(order.news)
      }
    },
    sweep() {
      relayIfDue()
      sweepAt(elapsedMs())
      return epochMs + nextDueMs()
    },
  }
}
