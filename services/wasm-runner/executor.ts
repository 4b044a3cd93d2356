import { RigError } from '../../rpc/failure.ts'
import type { Order, Report, StartOrder } from './executor-messages.ts'
import { guestFault, instantiate } from './instance.ts'
import { createTick, type TickNeeds, underTicket } from './plugin-tick.ts'
import { dueMs, startSchedule, takeTick } from './schedule.ts'
import { createSeats, type Seat } from './seats.ts'

export interface ExecutorNeeds extends TickNeeds {
  tell(report: Report): void
  /** Monotonic, ms, from whatever moment. */
  now(): number
}

/** Holds the instances and ticks them. One thread, no waiting: whoever has it calls sweep() when something is due. */
export interface Executor {
  obey(order: Order): void
  /** Ticks every plugin that is due, in order. Returns when the next one is, ms on the clock of `now`; never: Infinity. */
  sweep(): number
}

export function createExecutor(needs: ExecutorNeeds): Executor {
  const { pulse, tell } = needs
  const epochMs = needs.now()
  const elapsedMs = (): number => needs.now() - epochMs
  const seats = createSeats()
  const tick = createTick(needs, seats.pipeline)

  const stop = (ticket: number): void => {
    const left = seats.leave(ticket)
    if (left === undefined) return
    try {
      underTicket(pulse, ticket, () => left.instance.shutdown())
    } catch (cause) {
      tell({ kind: 'log', ticket, level: 'warn', line: `shutdown trapped (${guestFault(cause)})` })
    }
  }

  const start = ({ ticket, spec, module, replaces }: StartOrder): void => {
    const instance = underTicket(pulse, ticket, () =>
      instantiate(module, spec, {
        mail: seats.mail,
        log: (level, line) => tell({ kind: 'log', ticket, level, line }),
        now: needs.now,
      }),
    )
    seats.join(ticket, spec, instance, startSchedule(spec.rateHz, elapsedMs()))
    if (replaces !== undefined) stop(replaces)
  }

  const tryStart = (order: StartOrder): Report => {
    const { ticket } = order
    try {
      start(order)
      return { kind: 'started', ticket }
    } catch (cause) {
      if (cause instanceof RigError) return { kind: 'refused', ticket, code: cause.code, detail: cause.detail }
      throw cause
    }
  }

  const tickIfDue = (seat: Seat): void => {
    const nowMs = elapsedMs()
    if (nowMs < dueMs(seat.schedule)) return
    const { schedule, missed } = takeTick(seat.schedule, nowMs)
    seat.schedule = schedule
    const fault = tick(seat, missed)
    if (fault === undefined) return
    seats.leave(seat.ticket)
    tell({ kind: 'lost', ticket: seat.ticket, detail: `process trapped: ${fault}` })
  }

  return {
    obey(order) {
      if (order.kind === 'start') {
        tell(tryStart(order))
        return
      }
      stop(order.ticket)
      tell({ kind: 'stopped', ticket: order.ticket })
    },
    sweep() {
      for (const seat of seats.called()) tickIfDue(seat)
      return epochMs + seats.nextDueMs()
    },
  }
}
