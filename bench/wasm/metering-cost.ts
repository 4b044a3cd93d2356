import { meterModule } from '../../services/wasm-runner/meter.ts'
import { type Contestant, createContestant } from '../contestant.ts'
import { median } from './median.ts'
import { compileProgram, type Program } from './programs.ts'

export interface CostFigures {
  /** Of one round of the program; medians. */
  readonly unmetered_ns: number
  readonly metered_ns: number
  /** Median of the ratios of runs that followed each other. */
  readonly ratio: number
  /** Bytes of the module, and how many times as many the metered one has. */
  readonly bytes: number
  readonly growth: number
  readonly pairs: number
}

const limits = { maxMemoryPages: 1024, maxTableElements: 1000 }
/** More than any run uses. */
const plenty = 1n << 50n
/** A run is so long that the clock does not matter, and so short that most are over before another program gets the core. */
const runNs = 500_000
/** V8 has compiled anew what is executed often when this is over; in a run with shorter rounds it may not have. */
const warmMsMost = 500

type Run = (rounds: number) => number

interface Pair {
  readonly bytes: number
  readonly growth: number
  readonly unmetered: Run
  readonly metered: Run
  /** Of the program, that make a run. */
  readonly rounds: number
}

function durationNs(run: Run, rounds: number): number {
  const began = process.hrtime.bigint()
  run(rounds)
  return Number(process.hrtime.bigint() - began)
}

const started = (wasm: Uint8Array) => new WebAssembly.Instance(new WebAssembly.Module(wasm), {}).exports

function warm({ unmetered, metered }: Pick<Pair, 'unmetered' | 'metered'>, warmMs: number): number {
  let rounds = 1
  while (durationNs(unmetered, rounds) < runNs) rounds *= 2
  const until = performance.now() + warmMs
  while (performance.now() < until) {
    unmetered(rounds)
    metered(rounds)
  }
  rounds = 1
  while (durationNs(unmetered, rounds) < runNs) rounds *= 2
  if (unmetered(rounds) !== metered(rounds)) throw new Error('the metered program came to another result')
  return rounds
}

async function preparePair(program: Program, warmMs: number): Promise<Pair> {
  const wasm = await compileProgram(program)
  const { bytes, fuelExport } = meterModule(wasm, limits)
  const [original, changed] = [started(wasm), started(bytes)]
  const fuel = changed[fuelExport] as WebAssembly.Global
  const unmetered = original.run as Run
  const run = changed.run as Run
  function metered(rounds: number): number {
    fuel.value = plenty
    return run(rounds)
  }
  const runs = { unmetered, metered }
  return { bytes: wasm.length, growth: bytes.length / wasm.length, ...runs, rounds: warm(runs, warmMs) }
}

/** A program without metering and with it, in turn. */
export function meteringCost(program: Program): Contestant<CostFigures> {
  let prepared: Promise<Pair> | undefined
  let pair: Pair
  const [unmeteredNs, meteredNs, ratios]: [number[], number[], number[]] = [[], [], []]
  return createContestant(
    `metering_cost.${program}`,
    async (ms) => {
      prepared ??= preparePair(program, Math.min(ms, warmMsMost))
      pair = await prepared
      const { unmetered, metered, rounds } = pair
      const until = performance.now() + ms
      do {
        const without = durationNs(unmetered, rounds) / rounds
        const with_ = durationNs(metered, rounds) / rounds
        unmeteredNs.push(without)
        meteredNs.push(with_)
        ratios.push(with_ / without)
      } while (performance.now() < until)
    },
    () => ({
      unmetered_ns: median(unmeteredNs),
      metered_ns: median(meteredNs),
      ratio: median(ratios),
      bytes: pair.bytes,
      growth: pair.growth,
      pairs: ratios.length,
    }),
  )
}
