import { table } from '../../cli/table.ts'
import type { WasmReport } from './report.ts'

const absent = '–'
const number = (value: number | null | undefined, digits: number): string =>
  value === null || value === undefined ? absent : value.toFixed(digits)
const section = (title: string, rows: readonly (readonly string[])[]): string => `${title}\n${table(rows)}`

/** A report as a person reads it. */
export function tell({ metering_cost, metering_throughput, goals, failures }: WasmReport): string {
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
    section('Goals', [
      ['', 'figure', 'bound', ''],
      ...goals.map(({ name, figure, bound, met }) => [
        name,
        number(figure, 3),
        `${bound}`,
        met === null ? 'not measured' : met ? 'met' : 'not met',
      ]),
    ]),
  ]
  const missing = Object.entries(failures)
  if (missing.length > 0) parts.push(section('Rounds that were not measured', missing))
  return parts.join('\n')
}
