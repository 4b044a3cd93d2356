import { ending, number, section } from '../text.ts'
import type { WasmReport } from './report.ts'

function densitySection(title: string, rows: WasmReport['density']): string {
  return section(title, [
    [
      '',
      'on time, %',
      'late p50, µs',
      'late p99, µs',
      'CPU ms/s',
      'waits for a core, ms/s',
      'CPU µs a tick',
      'KiB a plugin',
      'missed',
      'ticks',
    ],
    ...Object.entries(rows).map(([name, row]) => [
      name,
      number(row && row.on_time * 100, 2),
      number(row?.lateness_us.p50, 0),
      number(row?.lateness_us.p99, 0),
      number(row?.cpu_ms_per_s, 1),
      number(row?.core_wait_ms_per_s, 0),
      number(row?.us_per_tick, 1),
      number(row?.kib_per_plugin, 0),
      number(row?.missed, 0),
      number(row?.ticks, 0),
    ]),
  ])
}

function runningSections({ tick_cost, density, extism_call, extism_density, stopping }: WasmReport): string[] {
  return [
    section('A tick without work', [
      ['', 'CPU µs', 'a second', 'slices'],
      ...Object.entries(tick_cost).map(([name, row]) => [
        name,
        number(row?.us, 3),
        number(row?.per_s, 0),
        number(row?.slices, 0),
      ]),
    ]),
    densitySection('Plugins in one process at 60 Hz', density),
    section('A call of Extism', [
      ['', 'CPU µs', 'takes, µs', 'calls'],
      ...Object.entries(extism_call).map(([name, row]) => [
        name,
        number(row?.us, 3),
        number(row?.wall_us, 3),
        number(row?.calls, 0),
      ]),
    ]),
    densitySection('Plugins of Extism in one process at 60 Hz', extism_density),
    section('A guest that loops', [
      ['', 'deadline, ms', 'reported, ms', 'max, ms', 'neighbours late p99, µs', 'missed', 'ticks', 'loops'],
      ...Object.entries(stopping).map(([name, row]) => [
        name,
        number(row?.deadline_ms, 0),
        number(row?.reported_ms, 2),
        number(row?.reported_ms_max, 2),
        number(row?.neighbour_lateness_us.p99, 0),
        number(row?.neighbour_missed, 0),
        number(row?.neighbour_ticks, 0),
        number(row?.loops, 0),
      ]),
    ]),
  ]
}

/** A report as a person reads it. */
export function tell(report: WasmReport): string {
  const { metering_cost, metering_throughput, goals, failures } = report
  const parts = [
    section('What metering costs a program, µs a round', [
      ['', 'unmetered', 'metered', 'ratio', 'bytes', 'growth', 'pairs'],
      ...Object.entries(metering_cost).map(([name, row]) => [
        name,
        number(row && row.unmetered_ns / 1000, 2),
        number(row && row.metered_ns / 1000, 2),
        number(row?.ratio, 3),
        number(row?.bytes, 0),
        number(row?.growth, 2),
        number(row?.pairs, 0),
      ]),
    ]),
    section('How fast modules are metered, MB/s', [
      ['', 'metering', 'and validating', 'the first time', 'bytes', 'instructions', 'growth', 'times'],
      ...Object.entries(metering_throughput).map(([name, row]) => [
        name,
        number(row?.mb_per_s, 1),
        number(row?.mb_per_s_validated, 1),
        number(row?.first_mb_per_s, 1),
        number(row?.bytes, 0),
        number(row?.instructions, 0),
        number(row?.growth, 2),
        number(row?.times, 0),
      ]),
    ]),
    ...runningSections(report),
    ...ending({ goals, failures }),
  ]
  return parts.join('\n')
}
