import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { frameSlotBytes } from '../gen/layout.ts'
import { type Contestant, createContestant } from './contestant.ts'
import { builtProgram, endChild, runProgram } from './program.ts'

/** What `ring_side` prints: slots moved, in how long. */
interface Moved {
  readonly slots: number
  readonly ns: number
}

/** Medians over the rounds; `best` is of the round that went best. */
export interface ThroughputFigures {
  readonly batch: number
  readonly slots_per_s: number
  readonly gb_per_s: number
  readonly best_gb_per_s: number
}

/** Longer than the reader measures, ms: the writer is the first to begin and the last to end. */
const writerMarginMs = 500

function throughput(
  name: string,
  batch: number,
  measure: (ms: number) => Promise<Moved>,
): Contestant<ThroughputFigures> {
  const rates: number[] = []
  const gigabytes = (slotsPerS: number): number => (slotsPerS * frameSlotBytes) / 1e9
  async function keep(ms: number): Promise<void> {
    const { slots, ns } = await measure(ms)
    rates.push((slots / ns) * 1e9)
    rates.sort((a, b) => a - b)
  }
  return createContestant(name, keep, () => {
    const median = rates[Math.floor(rates.length / 2)] ?? 0
    return {
      batch,
      slots_per_s: median,
      gb_per_s: gigabytes(median),
      best_gb_per_s: gigabytes(rates.at(-1) ?? 0),
    }
  })
}

/** One process copies within its own memory: what the ring would cost if it were nothing but its bytes. */
export const copyThroughput = (name: string, batch: number): Contestant<ThroughputFigures> =>
  throughput(name, batch, (ms) => runProgram<Moved>(builtProgram('ring_side'), ['copy', `${batch}`, `${ms}`], ms))

/** A reader in C and the writer that `startWriter` starts, each in a process of its own. */
function ringThroughput(
  name: string,
  batch: number,
  startWriter: (args: readonly string[]) => ChildProcess,
): Contestant<ThroughputFigures> {
  return throughput(name, batch, async (ms) => {
    const directory = mkdtempSync('/dev/shm/openracing-bench-')
    const path = join(directory, 'ring')
    const writer = startWriter([path, `${batch}`, `${ms + writerMarginMs}`])
    const complaint = text(writer.stderr as NodeJS.ReadableStream)
    try {
      return await runProgram<Moved>(builtProgram('ring_side'), ['read', path, `${batch}`, `${ms}`], ms)
    } catch (cause) {
      throw new Error((await complaint).trim() || (cause as Error).message)
    } finally {
      await endChild(writer)
      rmSync(directory, { recursive: true })
    }
  })
}

const writerStdio = { stdio: ['ignore', 'ignore', 'pipe'] as ['ignore', 'ignore', 'pipe'] }

export const cThroughput = (name: string, batch: number): Contestant<ThroughputFigures> =>
  ringThroughput(name, batch, (args) => spawn(builtProgram('ring_side'), ['write', ...args], writerStdio))

export const nodeThroughput = (name: string, batch: number): Contestant<ThroughputFigures> =>
  ringThroughput(name, batch, (args) =>
    spawn(process.execPath, [fileURLToPath(new URL('ring-writer.ts', import.meta.url)), ...args], writerStdio),
  )
