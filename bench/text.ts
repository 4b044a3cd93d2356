import { table } from '../cli/table.ts'
import type { Goal } from './goal.ts'

const absent = '–'

/** A figure in a table; what was not measured has a dash. */
export const number = (value: number | null | undefined, digits: number): string =>
  value === null || value === undefined ? absent : value.toFixed(digits)

export const section = (title: string, rows: readonly (readonly string[])[]): string => `${title}\n${table(rows)}`

/** How every report ends: what was to be reached, and what could not be measured. */
export function ending({
  goals,
  failures,
}: {
  readonly goals: readonly Goal[]
  readonly failures: Readonly<Record<string, string>>
}): readonly string[] {
  const reached = section('Goals', [
    ['', 'figure', 'bound', ''],
    ...goals.map(({ name, figure, bound, met }) => [
      name,
      number(figure, 3),
      `${bound}`,
      met === null ? 'not measured' : met ? 'met' : 'not met',
    ]),
  ])
  const missing = Object.entries(failures)
  return missing.length === 0 ? [reached] : [reached, section('Rounds that were not measured', missing)]
}
