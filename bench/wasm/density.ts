import { setTimeout as delay } from 'node:timers/promises'
import type { Distribution } from '../../cli/distribution.ts'
import { type Contestant, createContestant } from '../contestant.ts'
import { createSum } from '../sum.ts'
import { type Measured, startMeasured } from './child.ts'
import { median } from './median.ts'
import type { RunnerQuestion } from './runner-process.ts'
import type { TickCounts } from './tick-count.ts'

export interface DensityFigures {
  readonly plugins: number
  /** Ticks that were due. */
  readonly ticks: number
  readonly missed: number
  /** Share of the ticks that were due. */
  readonly on_time: number
  readonly lateness_us: Distribution
  /** Of the whole process: 1000 is one core. */
  readonly cpu_ms_per_s: number
  /** CPU time of the whole process for each tick that was done. */
  readonly us_per_tick: number
  /** How long its busiest thread was ready to run and had no core: what the neighbours on the machine took. */
  readonly core_wait_ms_per_s: number
  /** Of the process, beyond what it has without plugins; median. */
  readonly kib_per_plugin: number
}

/** Longest that a process with its plugins is given before it is measured, ms: V8 compiles anew what is executed often. */
const settleMsMost = 2000

/** A process as it is measured: what it starts with, what it is loaded with, and what counts its ticks. */
export interface DenseProcess {
  readonly program: string
  readonly plugins: number
  readonly load: object
}

/** So many plugins in one process. Each round has a process of its own. */
export function densityOf(name: string, { program, plugins, load }: DenseProcess): Contestant<DensityFigures> {
  const lateness = createSum()
  const kib: number[] = []
  const total = { due: 0, missed: 0, onTime: 0, cpuNs: 0, waitNs: 0, wallNs: 0 }

  async function measureTicks(process: Measured, ms: number): Promise<void> {
    const [cpuNs, waitNs] = [process.cpuNs(), process.longestWaitNs()]
    const beganNs = globalThis.process.hrtime.bigint()
    const counts = await process.ask<TickCounts>({ kind: 'measure', ms })
    total.cpuNs += process.cpuNs() - cpuNs
    total.waitNs += process.longestWaitNs() - waitNs
    total.wallNs += Number(globalThis.process.hrtime.bigint() - beganNs)
    total.due += counts.due
    total.missed += counts.missed
    total.onTime += counts.onTime
    lateness.add(counts.lateness)
  }

  async function measure(ms: number): Promise<void> {
    await using process = await startMeasured(program)
    await process.ask({ kind: 'start' })
    const emptyKib = process.pssKib()
    await process.ask(load)
    await delay(Math.min(4 * ms, settleMsMost))
    await measureTicks(process, ms)
    kib.push((process.pssKib() - emptyKib) / plugins)
  }

  return createContestant(name, measure, () => ({
    plugins,
    ticks: total.due,
    missed: total.missed,
    on_time: total.onTime / total.due,
    lateness_us: lateness.distribution(),
    cpu_ms_per_s: (total.cpuNs / total.wallNs) * 1000,
    core_wait_ms_per_s: (total.waitNs / total.wallNs) * 1000,
    us_per_tick: total.cpuNs / 1000 / (total.due - total.missed),
    kib_per_plugin: median(kib),
  }))
}

const budgetUs = 1000

/** Plugins of a real runner that see telemetry, or that pass a force on from one to the next as well. */
export function density(row: string, plugins: number, force: boolean): Contestant<DensityFigures> {
  const load: RunnerQuestion = { kind: 'load', plugins, force, budgetUs }
  return densityOf(`density.${row}`, { program: 'runner-process.ts', plugins, load })
}
