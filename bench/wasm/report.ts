import type { Contestant } from '../contestant.ts'
import type { Goal } from '../goals.ts'
import type { Row } from '../report.ts'
import { type CostFigures, meteringCost } from './metering-cost.ts'
import { carriers, meteringThroughput, type ThroughputFigures } from './metering-throughput.ts'
import { programs } from './programs.ts'

type Rows<Figures> = Readonly<Record<string, Row<Figures>>>

/** All figures of one run, by name: what --json prints. A section is a field; a row is what was measured in turn. */
export interface WasmFigures {
  readonly metering_cost: Rows<CostFigures>
  readonly metering_throughput: Rows<ThroughputFigures>
}

export interface WasmReport extends WasmFigures {
  readonly goals: readonly Goal[]
  /** Why rounds were not measured, by contestant. */
  readonly failures: Readonly<Record<string, string>>
}

const costRatioMax = 1.25
const throughputMinMbPerS = 20

function section<Figures>(names: readonly string[], contestants: readonly Contestant<Figures>[]) {
  return {
    contestants,
    rows: (): Rows<Figures> =>
      Object.fromEntries(names.map((name, index) => [name, contestants[index]?.figures() ?? null])),
  }
}

const atMost = (name: string, figure: number | null, bound: number): Goal => ({
  name,
  figure,
  bound,
  met: figure === null ? null : figure <= bound,
})
const atLeast = (name: string, figure: number | null, bound: number): Goal => ({
  name,
  figure,
  bound,
  met: figure === null ? null : figure >= bound,
})

function goalsOf({ metering_cost, metering_throughput }: WasmFigures): readonly Goal[] {
  return [
    ...Object.entries(metering_cost).map(([name, row]) =>
      atMost(`metering_cost: ${name}, metered / unmetered at most`, row?.ratio ?? null, costRatioMax),
    ),
    ...Object.entries(metering_throughput).map(([name, row]) =>
      atLeast(`metering_throughput: ${name}, MB/s at least`, row?.mb_per_s ?? null, throughputMinMbPerS),
    ),
  ]
}

/** Everything that is measured, and what came of it. */
export function createWasmBenchmark(): { readonly contestants: readonly Contestant[]; report(): WasmReport } {
  const cost = section(programs, programs.map(meteringCost))
  const throughput = section(carriers, carriers.map(meteringThroughput))
  const contestants: readonly Contestant[] = [...cost.contestants, ...throughput.contestants]
  return {
    contestants,
    report() {
      const figures: WasmFigures = { metering_cost: cost.rows(), metering_throughput: throughput.rows() }
      const failures = contestants.flatMap(({ name, failure }) => {
        const why = failure()
        return why === undefined ? [] : [[name, why] as const]
      })
      return { ...figures, goals: goalsOf(figures), failures: Object.fromEntries(failures) }
    },
  }
}
