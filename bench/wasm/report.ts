import type { Contestant } from '../contestant.ts'
import { atLeast, atMost, type Goal } from '../goal.ts'
import type { Row } from '../report.ts'
import { type DensityFigures, density, densityOf } from './density.ts'
import { type CallFigures, extismCall, extismDensity, extismModes } from './extism.ts'
import { type CostFigures, meteringCost } from './metering-cost.ts'
import { carriers, meteringThroughput, type ThroughputFigures } from './metering-throughput.ts'
import { programs } from './programs.ts'
import { extismStopping, ourStopping, type StoppingFigures } from './stopping.ts'
import { type TickFigures, tickCost, tickRows } from './tick-cost.ts'

type Rows<Figures> = Readonly<Record<string, Row<Figures>>>

/** All figures of one run, by name: what --json prints. A section is a field; a row is what was measured in turn. */
export interface WasmFigures {
  readonly metering_cost: Rows<CostFigures>
  readonly metering_throughput: Rows<ThroughputFigures>
  readonly tick_cost: Rows<TickFigures>
  readonly density: Rows<DensityFigures>
  readonly extism_call: Rows<CallFigures>
  readonly extism_density: Rows<DensityFigures>
  readonly stopping: Rows<StoppingFigures>
}

export interface WasmReport extends WasmFigures {
  readonly goals: readonly Goal[]
  /** Why rounds were not measured, by contestant. */
  readonly failures: Readonly<Record<string, string>>
}

const costRatioMax = 1.25
const throughputMinMbPerS = 20
const tickMaxUs = 2
const ticksMinPerS = 100_000
const latenessP99MaxUs = 5000
const pluginMaxKib = 300
const coreMsPerS = 1000
const stoppingLateMaxMs = 5

interface Section<Figures> {
  readonly contestants: readonly Contestant<Figures>[]
  rows(): Rows<Figures>
}

/** What is measured under a section's name, by the names of its rows. */
function section<Figures>(byName: Readonly<Record<string, Contestant<Figures>>>): Section<Figures> {
  const rows = Object.entries(byName)
  return {
    contestants: Object.values(byName),
    rows: () => Object.fromEntries(rows.map(([name, contestant]) => [name, contestant.figures()])),
  }
}

const each = <Name extends string, Figures>(names: readonly Name[], make: (name: Name) => Contestant<Figures>) =>
  section(Object.fromEntries(names.map((name) => [name, make(name)])))

const tickNames = Object.keys(tickRows) as (keyof typeof tickRows)[]

function densityGoals(row: string, figures: Row<DensityFigures> | undefined): readonly Goal[] {
  return [
    atMost(`density: ${row}, p99 of lateness, µs`, figures?.lateness_us.p99, latenessP99MaxUs),
    atMost(`density: ${row}, CPU, ms a second`, figures?.cpu_ms_per_s, coreMsPerS),
    atMost(`density: ${row}, KiB a plugin`, figures?.kib_per_plugin, pluginMaxKib),
  ]
}

function stoppingGoals(row: string, figures: Row<StoppingFigures> | undefined): readonly Goal[] {
  return [
    atMost(`stopping: ${row}, reported after its deadline, ms`, figures?.late_ms, stoppingLateMaxMs),
    atMost(`stopping: ${row}, ticks that neighbours missed`, figures?.neighbour_missed, 0),
  ]
}

function goalsOf({ metering_cost, metering_throughput, tick_cost, density, stopping }: WasmFigures): readonly Goal[] {
  return [
    ...Object.entries(metering_cost).map(([name, row]) =>
      atMost(`metering_cost: ${name}, metered / unmetered at most`, row?.ratio, costRatioMax),
    ),
    ...Object.entries(metering_throughput).map(([name, row]) =>
      atLeast(`metering_throughput: ${name}, MB/s at least`, row?.mb_per_s, throughputMinMbPerS),
    ),
    ...(['telemetry', 'force'] as const).map((name) =>
      atMost(`tick_cost: ${name}, µs`, tick_cost[name]?.us, tickMaxUs),
    ),
    atLeast('tick_cost: force_100, ticks a second', tick_cost.force_100?.per_s, ticksMinPerS),
    ...(['1000', 'force_1000'] as const).flatMap((row) => densityGoals(row, density[row])),
    ...ourDeadlinesMs.map(stoppingRow).flatMap((row) => stoppingGoals(row, stopping[row])),
  ]
}

const counts = [1, 10, 100, 1000] as const
/** A thousand threads of Node have a dozen GiB, and nobody would do that. */
const countsOfMode = { in_process: counts, in_worker: [1, 10, 100] } as const
const ourDeadlinesMs = [1, 5] as const
const stoppingRow = (ms: number): string => `openracing_${ms}ms`

const densitySection = (): Section<DensityFigures> =>
  section({
    ...Object.fromEntries(counts.map((count) => [`${count}`, density(`${count}`, count, false)])),
    force_1000: density('force_1000', 1000, true),
    bare_timer: densityOf('density.bare_timer', { program: 'timer-process.ts', plugins: 1, load: { kind: 'load' } }),
  })

const extismDensitySection = (): Section<DensityFigures> =>
  section(
    Object.fromEntries(
      extismModes.flatMap((mode) =>
        countsOfMode[mode].map((count) => [`${mode}_${count}`, extismDensity(mode, count)] as const),
      ),
    ),
  )

const stoppingSection = (): Section<StoppingFigures> =>
  section({
    ...Object.fromEntries(ourDeadlinesMs.map((ms) => [stoppingRow(ms), ourStopping(ms)])),
    extism: extismStopping(),
  })

/** Everything that is measured, and what came of it. */
export function createWasmBenchmark(): { readonly contestants: readonly Contestant[]; report(): WasmReport } {
  const sections = {
    metering_cost: each(programs, meteringCost),
    metering_throughput: each(carriers, meteringThroughput),
    tick_cost: each(tickNames, tickCost),
    density: densitySection(),
    extism_call: each(extismModes, extismCall),
    extism_density: extismDensitySection(),
    stopping: stoppingSection(),
  }
  const contestants: readonly Contestant[] = Object.values<Section<unknown>>(sections).flatMap(
    ({ contestants }) => contestants,
  )
  return {
    contestants,
    report() {
      const figures: WasmFigures = {
        metering_cost: sections.metering_cost.rows(),
        metering_throughput: sections.metering_throughput.rows(),
        tick_cost: sections.tick_cost.rows(),
        density: sections.density.rows(),
        extism_call: sections.extism_call.rows(),
        extism_density: sections.extism_density.rows(),
        stopping: sections.stopping.rows(),
      }
      const failures = contestants.flatMap(({ name, failure }) => {
        const why = failure()
        return why === undefined ? [] : [[name, why] as const]
      })
      return { ...figures, goals: goalsOf(figures), failures: Object.fromEntries(failures) }
    },
  }
}
