import { onOneLine } from '../input/one-line.ts'
import type { Worded } from './worded.ts'

/**
 * Rows as columns of one width each, separated by two spaces. The first row is the heading. What strangers wrote into a cell
 * stays in it.
 */
export function table(written: readonly (readonly string[])[]): string {
  const rows = written.map((row) => row.map(onOneLine))
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
    .concat('\n')
}

/** JSON for programs: 64-bit counters as numbers where they are exact, else as text. Enums of the API are words by now. */
export function json<T>(value: Worded<T>): string {
  const plain = (_: string, item: unknown): unknown => {
    if (typeof item === 'bigint') return Number.isSafeInteger(Number(item)) ? Number(item) : item.toString()
    return item instanceof Uint8Array ? Buffer.from(item).toString('hex') : item
  }
  return `${JSON.stringify(value, plain)}\n`
}
