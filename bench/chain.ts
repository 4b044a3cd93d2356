import { setTimeout as delay } from 'node:timers/promises'
import { between, type Distribution } from '../cli/distribution.ts'
import { rigStatus } from '../gen/layout.ts'
import { readHistogram } from '../shm/histogram.ts'
import { type Contestant, createContestant } from './contestant.ts'
import { counterOf, startLoopRig, type Waiting } from './loop-rig.ts'
import { missedDeadlinesOf, roundTripsOf } from './round-trip.ts'
import { createSum } from './sum.ts'

export interface ChainFigures {
  readonly plugins: number
  readonly ticks: number
  readonly missed_ticks: number
  /** Frames of all plugins that the loop went on without. */
  readonly missed_deadlines: number
  /** Of every plugin, those that answered in time. */
  readonly round_trip_us: Distribution
  /** Of a whole tick. */
  readonly duration_us: Distribution
  /** Of both sides together: 10 is 1 % of a core. */
  readonly cpu_ms_per_s: number
}

/** A chain of `plugins` plugins that do nothing, one after the other. */
export function chain(name: string, plugins: number, waiting: Waiting): Contestant<ChainFigures> {
  const roundTrip = createSum()
  const duration = createSum()
  const total = { ticks: 0, missed_ticks: 0, missed_deadlines: 0, cpuNs: 0, wallNs: 0 }

  async function measure(ms: number): Promise<void> {
    await using rig = await startLoopRig(plugins, waiting)
    const before = rig.status()
    const cpuNs = rig.cpuNs()
    const beginNs = process.hrtime.bigint()
    await delay(ms)
    const after = rig.status()
    total.cpuNs += rig.cpuNs() - cpuNs
    total.wallNs += Number(process.hrtime.bigint() - beginNs)
    for (let slot = 0; slot < plugins; slot++) {
      roundTrip.add(between(roundTripsOf(before, slot), roundTripsOf(after, slot)))
    }
    const durationOf = (status: Buffer) => readHistogram(status, rigStatus.duration.offset)
    duration.add(between(durationOf(before), durationOf(after)))
    total.missed_deadlines += missedDeadlinesOf(after) - missedDeadlinesOf(before)
    for (const counter of ['ticks', 'missed_ticks'] as const) {
      total[counter] += counterOf(after, counter) - counterOf(before, counter)
    }
  }

  return createContestant(name, measure, () => ({
    plugins,
    ticks: total.ticks,
    missed_ticks: total.missed_ticks,
    missed_deadlines: total.missed_deadlines,
    round_trip_us: roundTrip.distribution(),
    duration_us: duration.distribution(),
    cpu_ms_per_s: (total.cpuNs / total.wallNs) * 1000,
  }))
}
