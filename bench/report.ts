import type { Distribution } from '../cli/distribution.ts'
import { type ChainFigures, chain } from './chain.ts'
import type { Contestant } from './contestant.ts'
import type { Goal } from './goal.ts'
import { goalsOf } from './goals.ts'
import { cyclictestLateness, type LatenessFigures, type LoopLatenessFigures, loopLateness } from './lateness.ts'
import type { Waiting } from './loop-rig.ts'
import { type ProcessFigures, processes } from './process.ts'
import { copyThroughput, cThroughput, nodeThroughput, type ThroughputFigures } from './ring-throughput.ts'
import { barePair, grpcPair, iceoryxPair, loopRoundTrip, type RoundTripFigures, zeromqPair } from './round-trip.ts'

/** Figures and the rounds that they are of; null where nothing could be measured. */
export type Row<Figures> = (Figures & { readonly rounds: number }) | null

export interface LatenessRows {
  readonly wheel_rt: Row<LoopLatenessFigures>
  readonly cyclictest: Row<LatenessFigures>
  /** wheel_rt / cyclictest */
  readonly ratio: Distribution | null
  /** wheel_rt - cyclictest */
  readonly added_us: Distribution | null
}

export interface RoundTripRows {
  readonly openracing_default: Row<RoundTripFigures>
  readonly openracing_futex: Row<RoundTripFigures>
  readonly bare_futex: Row<RoundTripFigures>
  readonly bare_spin: Row<RoundTripFigures>
  readonly zeromq: Row<RoundTripFigures>
  readonly iceoryx: Row<RoundTripFigures>
  readonly grpc_js: Row<RoundTripFigures>
}

export type ThroughputRow = Row<ThroughputFigures & { readonly of_memcpy: number | null }>

export interface ThroughputRows {
  readonly memcpy_single: Row<ThroughputFigures>
  readonly memcpy_batch: Row<ThroughputFigures>
  readonly c_to_c_single: ThroughputRow
  readonly c_to_c_batch: ThroughputRow
  readonly node_to_c_single: ThroughputRow
  readonly node_to_c_batch: ThroughputRow
}

export type ChainRow = Row<ChainFigures & { readonly added_us_per_plugin: number | null }>

export interface ChainRows {
  readonly '1': ChainRow
  readonly '4': ChainRow
  readonly '16': ChainRow
}

/** All figures of one run, by name: what --json prints. Times are µs, in buckets that are at most 3.2 % wide. */
export interface Figures {
  readonly lateness: { readonly idle: LatenessRows; readonly loaded: LatenessRows }
  readonly round_trip: RoundTripRows
  readonly ring_throughput: ThroughputRows
  readonly chain: { readonly default: ChainRows; readonly futex: ChainRows }
  readonly process: Row<ProcessFigures>
}

export interface Report extends Figures {
  readonly goals: readonly Goal[]
  /** Why rounds were not measured, by contestant. */
  readonly failures: Readonly<Record<string, string>>
}

/** Slots in one push or pop of a batch. */
const batch = 64

const quantiles = ['p50', 'p99', 'p999', 'max'] as const

function compare(
  ours: Distribution | undefined,
  theirs: Distribution | undefined,
  by: (a: number, b: number) => number,
): Distribution | null {
  if (ours === undefined || theirs === undefined) return null
  const [p50, p99, p999, max] = quantiles.map((name) => by(ours[name], theirs[name])) as [
    number,
    number,
    number,
    number,
  ]
  return { p50, p99, p999, max }
}

interface Section<Rows> {
  readonly contestants: readonly Contestant[]
  rows(): Rows
}

function latenessSection(name: string, loaded: boolean): Section<LatenessRows> {
  const loop = loopLateness(`lateness.${name}.wheel_rt`, loaded)
  const reference = cyclictestLateness(`lateness.${name}.cyclictest`, loaded)
  const rows = (): LatenessRows => {
    const [wheel_rt, cyclictest] = [loop.figures(), reference.figures()]
    const both = [wheel_rt?.lateness_us, cyclictest?.lateness_us] as const
    return {
      wheel_rt,
      cyclictest,
      ratio: compare(...both, (a, b) => a / b),
      added_us: compare(...both, (a, b) => a - b),
    }
  }
  return { contestants: [loop, reference], rows }
}

function roundTripSection(): Section<RoundTripRows> {
  const openracingDefault = loopRoundTrip('round_trip.openracing_default', 'predictive')
  const openracingFutex = loopRoundTrip('round_trip.openracing_futex', 'futex')
  const bareFutex = barePair('round_trip.bare_futex', 'futex_pair')
  const bareSpin = barePair('round_trip.bare_spin', 'spin_pair')
  const zeromq = zeromqPair('round_trip.zeromq')
  const iceoryx = iceoryxPair('round_trip.iceoryx')
  const grpc = grpcPair('round_trip.grpc_js')
  return {
    contestants: [openracingDefault, openracingFutex, bareFutex, bareSpin, zeromq, iceoryx, grpc],
    rows: () => ({
      openracing_default: openracingDefault.figures(),
      openracing_futex: openracingFutex.figures(),
      bare_futex: bareFutex.figures(),
      bare_spin: bareSpin.figures(),
      zeromq: zeromq.figures(),
      iceoryx: iceoryx.figures(),
      grpc_js: grpc.figures(),
    }),
  }
}

function throughputSection(): Section<ThroughputRows> {
  const name = (row: keyof ThroughputRows): string => `ring_throughput.${row}`
  const copySingle = copyThroughput(name('memcpy_single'), 1)
  const copyBatch = copyThroughput(name('memcpy_batch'), batch)
  const cSingle = cThroughput(name('c_to_c_single'), 1)
  const cBatch = cThroughput(name('c_to_c_batch'), batch)
  const nodeSingle = nodeThroughput(name('node_to_c_single'), 1)
  const nodeBatch = nodeThroughput(name('node_to_c_batch'), batch)
  const beside = (ring: Contestant<ThroughputFigures>, copy: Contestant<ThroughputFigures>): ThroughputRow => {
    const [row, reference] = [ring.figures(), copy.figures()]
    return row === null ? null : { ...row, of_memcpy: reference === null ? null : row.gb_per_s / reference.gb_per_s }
  }
  return {
    contestants: [copySingle, cSingle, nodeSingle, copyBatch, cBatch, nodeBatch],
    rows: () => ({
      memcpy_single: copySingle.figures(),
      memcpy_batch: copyBatch.figures(),
      c_to_c_single: beside(cSingle, copySingle),
      c_to_c_batch: beside(cBatch, copyBatch),
      node_to_c_single: beside(nodeSingle, copySingle),
      node_to_c_batch: beside(nodeBatch, copyBatch),
    }),
  }
}

/** `emptyTickUs`: what a tick without plugins takes at p50, where it was measured. */
function chainSection(mode: string, waiting: Waiting, emptyTickUs: () => number | undefined): Section<ChainRows> {
  const one = chain(`chain.${mode}.1`, 1, waiting)
  const four = chain(`chain.${mode}.4`, 4, waiting)
  const sixteen = chain(`chain.${mode}.16`, 16, waiting)
  const added = (contestant: Contestant<ChainFigures>): ChainRow => {
    const [row, empty] = [contestant.figures(), emptyTickUs()]
    if (row === null) return null
    return { ...row, added_us_per_plugin: empty === undefined ? null : (row.duration_us.p50 - empty) / row.plugins }
  }
  return {
    contestants: [one, four, sixteen],
    rows: () => ({ '1': added(one), '4': added(four), '16': added(sixteen) }),
  }
}

/** Everything that is measured, and what came of it. */
export function createBenchmark(): { readonly contestants: readonly Contestant[]; report(): Report } {
  const idle = latenessSection('idle', false)
  const loaded = latenessSection('loaded', true)
  const roundTrip = roundTripSection()
  const throughput = throughputSection()
  const emptyTickUs = (): number | undefined => idle.rows().wheel_rt?.duration_us.p50
  const byDefault = chainSection('default', 'predictive', emptyTickUs)
  const byFutex = chainSection('futex', 'futex', emptyTickUs)
  const process = processes()
  const sections = [idle, loaded, roundTrip, throughput, byDefault, byFutex]
  const contestants = [...sections.flatMap((section) => section.contestants), process]
  return {
    contestants,
    report() {
      const figures: Figures = {
        lateness: { idle: idle.rows(), loaded: loaded.rows() },
        round_trip: roundTrip.rows(),
        ring_throughput: throughput.rows(),
        chain: { default: byDefault.rows(), futex: byFutex.rows() },
        process: process.figures(),
      }
      const failures = contestants.flatMap(({ name, failure }) => {
        const why = failure()
        return why === undefined ? [] : [[name, why] as const]
      })
      return { ...figures, goals: goalsOf(figures), failures: Object.fromEntries(failures) }
    },
  }
}
