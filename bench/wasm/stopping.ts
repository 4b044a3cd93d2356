import type { Distribution } from '../../cli/distribution.ts'
import { type Contestant, createContestant } from '../contestant.ts'
import { createSum } from '../sum.ts'
import { startMeasured } from './child.ts'
import { median } from './median.ts'
import type { TickCounts } from './tick-count.ts'

export interface StoppingFigures {
  /** What the guest was given, ms: the budget of a tick, or the timeout of a call. */
  readonly deadline_ms: number
  /** From its call to the report of its end; median, and the largest. */
  readonly reported_ms: number
  readonly reported_ms_max: number
  /** The median beyond the deadline. */
  readonly late_ms: number
  /** Of the neighbours while it looped, and shortly before and after. */
  readonly neighbour_ticks: number
  readonly neighbour_missed: number
  readonly neighbour_lateness_us: Distribution
  readonly loops: number
}

interface Looped extends TickCounts {
  readonly tookMs: number
}

interface Loops {
  readonly program: string
  readonly load: object
  readonly loop: object
  readonly deadlineMs: number
}

/** A guest that loops for ever, beside neighbours that are called at their rate. */
function stoppingOf(name: string, { program, load, loop, deadlineMs }: Loops): Contestant<StoppingFigures> {
  const tookMs: number[] = []
  const lateness = createSum()
  const total = { due: 0, missed: 0 }
  return createContestant(
    name,
    async (ms) => {
      await using process = await startMeasured(program)
      await process.ask({ kind: 'start' })
      await process.ask(load)
      await process.ask(loop) // the first time a whole way is taken
      const until = performance.now() + ms
      do {
        const looped = await process.ask<Looped>(loop)
        tookMs.push(looped.tookMs)
        total.due += looped.due
        total.missed += looped.missed
        lateness.add(looped.lateness)
      } while (performance.now() < until)
    },
    () => ({
      deadline_ms: deadlineMs,
      reported_ms: median(tookMs),
      reported_ms_max: Math.max(...tookMs),
      late_ms: median(tookMs) - deadlineMs,
      neighbour_ticks: total.due,
      neighbour_missed: total.missed,
      neighbour_lateness_us: lateness.distribution(),
      loops: tookMs.length,
    }),
  )
}

const neighbours = 8

/** The neighbours are on the same thread. */
export const ourStopping = (deadlineMs: number): Contestant<StoppingFigures> =>
  stoppingOf(`stopping.openracing_${deadlineMs}ms`, {
    program: 'runner-process.ts',
    load: { kind: 'load', plugins: neighbours, force: false, budgetUs: 1000 },
    loop: { kind: 'loop', budgetUs: deadlineMs * 1000 },
    deadlineMs,
  })

/**
 * Each neighbour has its thread. With less time Extism loses plugins for ever: its timeout is that of starting another
 * thread as well.
 */
const extismDeadlineMs = 1000

export const extismStopping = (): Contestant<StoppingFigures> =>
  stoppingOf('stopping.extism', {
    program: 'extism-process.ts',
    load: { kind: 'load', plugins: neighbours, worker: true },
    loop: { kind: 'loop', deadlineMs: extismDeadlineMs },
    deadlineMs: extismDeadlineMs,
  })
