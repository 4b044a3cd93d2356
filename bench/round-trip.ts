import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { between, type Distribution } from '../cli/distribution.ts'
import { chainMax, rigPlugin as pluginLayout, rigPluginBytes, rigStatus } from '../gen/layout.ts'
import type { Histogram } from '../gen/proto/openracing/v1/statistics.ts'
import { readHistogram } from '../shm/histogram.ts'
import { type Contestant, createContestant } from './contestant.ts'
import { budgetUs, startLoopRig, type Waiting } from './loop-rig.ts'
import { builtProgram, runProgram } from './program.ts'
import { startRoudi } from './roudi.ts'
import { createSum, fromExact, fromPairs } from './sum.ts'

export interface RoundTripFigures {
  readonly round_trips: number
  readonly round_trip_us: Distribution
  /** Ticks without an answer. */
  readonly missed: number
  /** Of both processes together: 10 is 1 % of a core. */
  readonly cpu_ms_per_s: number
  /** Whether both sides had SCHED_FIFO. */
  readonly realtime: boolean
}

/** What a program that measures a peer prints. */
export interface PairOutput {
  readonly realtime: boolean
  readonly wall_ns: number
  readonly cpu_ns: number
  readonly missed: number
  readonly round_trip: { readonly max_ns: number; readonly buckets: readonly (readonly [number, number])[] }
}

/** One round: as PairOutput, from wherever it came. */
interface Round {
  readonly roundTrip: Histogram
  readonly missed: number
  readonly cpuNs: number
  readonly wallNs: number
  readonly realtime: boolean
}

function roundTrips(name: string, measure: (ms: number) => Promise<Round>): Contestant<RoundTripFigures> {
  const sum = createSum()
  const rounds: Round[] = []
  const total = (of: (round: Round) => number): number => rounds.reduce((all, round) => all + of(round), 0)
  async function keep(ms: number): Promise<void> {
    const round = await measure(ms)
    sum.add(round.roundTrip)
    rounds.push(round)
  }
  return createContestant(name, keep, () => ({
    round_trips: sum.count(),
    round_trip_us: sum.distribution(),
    missed: total((round) => round.missed),
    cpu_ms_per_s: (total((round) => round.cpuNs) / total((round) => round.wallNs)) * 1000,
    realtime: rounds.every((round) => round.realtime),
  }))
}

/** Where the loop counts for the plugin in a slot. */
const placeOf = (slot: number): number => rigStatus.plugins.offset + slot * rigPluginBytes

/** Round trips of the plugin in a slot so far. */
export const roundTripsOf = (status: Buffer, slot: number): Histogram =>
  readHistogram(status, placeOf(slot) + pluginLayout.round_trip.offset)

/** Deadlines that all plugins missed so far. */
export const missedDeadlinesOf = (status: Buffer): number =>
  Array.from({ length: chainMax }, (_, slot) =>
    Number(status.readBigUInt64LE(placeOf(slot) + pluginLayout.missed_deadlines.offset)),
  ).reduce((sum, missed) => sum + missed, 0)

/**
 * The loop does not wait for an answer beyond the plugin's budget, and does not record it. Left out they would make the
 * slowest look fast; they count as what the loop waited.
 */
function withMissed({ buckets, maxNs }: Histogram, missed: number): Histogram {
  const waitedNs = budgetUs * 1000
  const { buckets: late } = fromExact([[waitedNs, missed]], waitedNs)
  const all = createSum()
  all.add({ buckets, maxNs })
  if (missed > 0) all.add({ buckets: late, maxNs: BigInt(waitedNs) })
  return all.histogram()
}

/** The real loop, the real wheel-dsp, a plugin that does nothing. */
export const loopRoundTrip = (name: string, waiting: Waiting): Contestant<RoundTripFigures> =>
  roundTrips(name, async (ms) => {
    await using rig = await startLoopRig(1, waiting)
    const before = rig.status()
    const beginNs = process.hrtime.bigint()
    const cpuNs = rig.cpuNs()
    await delay(ms)
    const after = rig.status()
    const missed = missedDeadlinesOf(after) - missedDeadlinesOf(before)
    return {
      roundTrip: withMissed(between(roundTripsOf(before, 0), roundTripsOf(after, 0)), missed),
      missed,
      cpuNs: rig.cpuNs() - cpuNs,
      wallNs: Number(process.hrtime.bigint() - beginNs),
      realtime: after.readUInt32LE(rigStatus.realtime.offset) === 1,
    }
  })

const toRound = (output: PairOutput): Round => ({
  roundTrip: fromPairs(output.round_trip.buckets, output.round_trip.max_ns),
  missed: output.missed,
  cpuNs: output.cpu_ns,
  wallNs: output.wall_ns,
  realtime: output.realtime,
})

/** A directory for a round's sockets. */
async function inDirectory<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'openracing-bench-'))
  try {
    return await use(directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** A pair of bench/native that needs no address. */
export const barePair = (name: string, program: string): Contestant<RoundTripFigures> =>
  roundTrips(name, async (ms) => toRound(await runProgram(builtProgram(program), [`${ms}`], ms)))

export const zeromqPair = (name: string): Contestant<RoundTripFigures> =>
  roundTrips(name, (ms) =>
    inDirectory(async (directory) =>
      toRound(await runProgram(builtProgram('zeromq_pair'), [`${ms}`, `ipc://${directory}/pair`], ms)),
    ),
  )

/** iox-roudi runs for its own rounds only: its threads are no noise to the others. */
export const iceoryxPair = (name: string): Contestant<RoundTripFigures> =>
  roundTrips(name, async (ms) => {
    const program = builtProgram('iceoryx_pair')
    await using _roudi = await startRoudi()
    return toRound(await runProgram(program, [`${ms}`, `bench-${process.pid}`], ms))
  })

export const grpcPair = (name: string): Contestant<RoundTripFigures> =>
  roundTrips(name, (ms) =>
    inDirectory(async (directory) => {
      const asks = fileURLToPath(new URL('grpc-asks.ts', import.meta.url))
      return toRound(await runProgram(process.execPath, [asks, `${ms}`, join(directory, 'pair')], ms))
    }),
  )
