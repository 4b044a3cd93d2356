import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Distribution } from '../cli/distribution.ts'
import { rigStatus } from '../gen/layout.ts'
import { readHistogram } from '../shm/histogram.ts'
import { type Contestant, createContestant } from './contestant.ts'
import { findCores } from './cores.ts'
import { startLoad } from './load.ts'
import { counterOf, startLoopRig } from './loop-rig.ts'
import { createSum, fromExact } from './sum.ts'

export interface LatenessFigures {
  readonly ticks: number
  readonly lateness_us: Distribution
}

export interface LoopLatenessFigures extends LatenessFigures {
  readonly missed_ticks: number
  /** What a tick without plugins takes. */
  readonly duration_us: Distribution
}

const nothing: AsyncDisposable = { [Symbol.asyncDispose]: async () => undefined }
const aroundIt = (loaded: boolean): Promise<AsyncDisposable> => (loaded ? startLoad() : Promise.resolve(nothing))

/** Lateness of wheel-rt's ticks, from its first: a loop of its own a round. */
export function loopLateness(name: string, loaded: boolean): Contestant<LoopLatenessFigures> {
  const lateness = createSum()
  const duration = createSum()
  let missed = 0
  async function measure(ms: number): Promise<void> {
    await using _load = await aroundIt(loaded)
    await using rig = await startLoopRig(0, 'predictive')
    await delay(ms)
    const status = rig.status()
    lateness.add(readHistogram(status, rigStatus.lateness.offset))
    duration.add(readHistogram(status, rigStatus.duration.offset))
    missed += counterOf(status, 'missed_ticks')
  }
  return createContestant(name, measure, () => ({
    ticks: lateness.count(),
    lateness_us: lateness.distribution(),
    missed_ticks: missed,
    duration_us: duration.distribution(),
  }))
}

/** What cyclictest writes with --json, as far as it is read. */
interface CyclictestThread {
  readonly histogram: Readonly<Record<string, number>>
  readonly max: number
  readonly cycles: number
}

/** From this on, ns, cyclictest only counts. */
const overflowNs = 1_000_000

/**
 * One round of cyclictest as wheel-rt runs: one thread on the same core, SCHED_FIFO 80, every 1 ms, locked memory, no
 * other tuning of the system. In ns, so that both go into the same buckets.
 */
async function cyclictest(ms: number, file: string): Promise<CyclictestThread> {
  const args = `-q -m -N --default-system -t 1 -a ${findCores().loop} -p 80 -i 1000 -h ${overflowNs} -l ${ms}`.split(
    ' ',
  )
  const child = spawn('cyclictest', [...args, `--json=${file}`], {
    stdio: ['ignore', 'ignore', 'ignore'],
  })
  const [code] = await once(child, 'exit').catch(() => [-1])
  if (code === -1) throw new Error('cyclictest is not installed; install it with: apt-get install rt-tests')
  if (code !== 0) throw new Error(`cyclictest exited with code ${code}; it needs the right to SCHED_FIFO and mlockall`)
  return JSON.parse(readFileSync(file, 'utf8')).thread['0'] as CyclictestThread
}

export function cyclictestLateness(name: string, loaded: boolean): Contestant<LatenessFigures> {
  const lateness = createSum()
  async function measure(ms: number): Promise<void> {
    await using _load = await aroundIt(loaded)
    const directory = mkdtempSync(join(tmpdir(), 'openracing-bench-'))
    try {
      const { histogram, max, cycles } = await cyclictest(ms, join(directory, 'cyclictest.json'))
      const pairs = Object.entries(histogram).map(([ns, count]) => [Number(ns), count] as const)
      const beyond = cycles - pairs.reduce((sum, [, count]) => sum + count, 0)
      // Of those it says the largest only; the rest count as if they had just been beyond.
      if (beyond > 0) pairs.push([overflowNs, beyond - 1], [max, 1])
      lateness.add(fromExact(pairs, max))
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  }
  return createContestant(name, measure, () => ({ ticks: lateness.count(), lateness_us: lateness.distribution() }))
}
