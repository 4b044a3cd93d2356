import type { DatabaseSync } from 'node:sqlite'
import { inTransaction, type Migration } from '../../state/database.ts'
import { type CallCounts, coarse, noCalls, sumOf } from './call-counts.ts'
import { decodeDurations, encodeDurations } from './durations-code.ts'
import type { PluginReading } from './plugin-reading.ts'

const firstMigration: Migration = `
  CREATE TABLE plugins (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, reading TEXT NOT NULL, reading_durations BLOB NOT NULL,
    written_ms INTEGER NOT NULL, executions INTEGER NOT NULL, failures INTEGER NOT NULL, cpu_ns REAL NOT NULL,
    max_ns INTEGER NOT NULL, last_ms INTEGER NOT NULL, durations BLOB NOT NULL
  ) STRICT;
  CREATE TABLE samples (
    plugin INTEGER NOT NULL REFERENCES plugins (number) ON DELETE CASCADE, length_ms INTEGER NOT NULL,
    start_ms INTEGER NOT NULL, executions INTEGER NOT NULL, failures INTEGER NOT NULL, cpu_ns REAL NOT NULL,
    max_ns INTEGER NOT NULL, last_ms INTEGER NOT NULL, durations BLOB NOT NULL,
    PRIMARY KEY (plugin, length_ms, start_ms)
  ) STRICT, WITHOUT ROWID
`
const clockMigration: Migration = `
  CREATE TABLE clock (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), time_ms INTEGER NOT NULL) STRICT
`
export const historyMigrations: readonly Migration[] = [firstMigration, clockMigration]

export const minuteMs = 60_000
export const hourMs = 3_600_000
export const dayMs = 86_400_000
/** How long a sample is kept, ms: minutes become hours after a day, and hours go after 90. */
const minutesForMs = dayMs
const hoursForMs = 90 * dayMs

/** What a store may take, whatever comes. A thousand plugins that are called all the time need 460 MB for their 90 days. */
export interface HistoryBounds {
  /** Of samples and what is around them; the oldest day goes first. */
  readonly bytes: number
  /** Plugins that are remembered; the one that did nothing for longest goes first. */
  readonly plugins: number
}
export const standardBounds: HistoryBounds = { bytes: 512 * 1024 * 1024, plugins: 4096 }

/** The calls of a plugin in a time that begins at `startMs`, ms since 1970. */
export interface Sample {
  readonly startMs: number
  readonly lengthMs: number
  readonly calls: CallCounts
}

/** What is kept about a plugin: its calls up to a reading. */
export interface KeptPlugin {
  readonly id: string
  readonly reading: PluginReading
  readonly total: CallCounts
}

/** What is new about a plugin: calls since the last time, minute by minute, up to a reading. */
export interface PluginNews {
  readonly id: string
  readonly reading: PluginReading
  /** By the beginning of their minute, ms since 1970. */
  readonly minutes: ReadonlyMap<number, CallCounts>
}

export interface SampleQuery {
  readonly id: string
  readonly fromMs: number
  readonly toMs: number
  /** Those after this one; null: from the first. */
  readonly after: Pick<Sample, 'startMs' | 'lengthMs'> | null
  readonly limit: number
}

/** What every call of every plugin came to, on the disk. */
export interface HistoryStore {
  load(): readonly KeptPlugin[]
  /** All of it or nothing is on the disk when this returns, or throws. */
  write(news: readonly PluginNews[], nowMs: number): void
  /** Oldest first; of two that begin together the longer one. */
  list(query: SampleQuery): readonly Sample[]
  /** The calls in samples that begin at `fromMs` or later, and not after `toMs`. */
  sum(id: string, fromMs: number, toMs: number): CallCounts
  /**
   * Makes hours of minutes and forgets what is old, or too much. `passedMs`: how much time really went on since the last
   * time, at the most; `nowMs` may be anything.
   */
  tidy(nowMs: number, passedMs: number): void
}

interface Row {
  readonly executions: number
  readonly failures: number
  readonly cpu_ns: number
  readonly max_ns: number
  readonly last_ms: number
  readonly durations: Uint8Array
}

interface PluginRow extends Row {
  readonly number: number
  readonly id: string
  readonly reading: string
  readonly reading_durations: Uint8Array
}

interface SampleRow extends Row {
  readonly start_ms: number
  readonly length_ms: number
}

const callsOf = (row: Row): CallCounts => ({
  ...{ executions: row.executions, failures: row.failures, cpuNs: row.cpu_ns, maxNs: row.max_ns, lastMs: row.last_ms },
  durations: decodeDurations(row.durations),
})

const valuesOf = ({ executions, failures, cpuNs, maxNs, lastMs, durations }: CallCounts) =>
  [executions, failures, cpuNs, maxNs, lastMs, encodeDurations(durations)] as const

const keptOf = (row: PluginRow): KeptPlugin => ({
  id: row.id,
  reading: { ...JSON.parse(row.reading), durations: decodeDurations(row.reading_durations) },
  total: callsOf(row),
})

const sampleOf = (row: SampleRow): Sample => ({
  ...{ startMs: row.start_ms, lengthMs: row.length_ms },
  calls: callsOf(row),
})

/**
 * The clock that old samples go by. It follows the wall clock no further than time went on: one that was set wrong for a
 * moment would have all of them deleted. It does not go back either, so that one that was right again is caught up with.
 */
const clockAfter = (clockMs: number, wallMs: number, passedMs: number): number =>
  Math.max(clockMs, Math.min(wallMs, clockMs + passedMs))

export function createHistoryStore(database: DatabaseSync, bounds: HistoryBounds = standardBounds): HistoryStore {
  const all = database.prepare('SELECT * FROM plugins')
  const one = database.prepare('SELECT * FROM plugins WHERE id = ?')
  const putPlugin = database.prepare(`
    INSERT INTO plugins (id, reading, reading_durations, written_ms, executions, failures, cpu_ns, max_ns, last_ms, durations)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET reading = excluded.reading, reading_durations = excluded.reading_durations,
      written_ms = excluded.written_ms, executions = excluded.executions, failures = excluded.failures,
      cpu_ns = excluded.cpu_ns, max_ns = excluded.max_ns, last_ms = excluded.last_ms, durations = excluded.durations
    RETURNING number`)
  const getSample = database.prepare('SELECT * FROM samples WHERE plugin = ? AND length_ms = ? AND start_ms = ?')
  const putSample = database.prepare('INSERT OR REPLACE INTO samples VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)')
  const some = database.prepare(`
    SELECT * FROM samples WHERE plugin = (SELECT number FROM plugins WHERE id = ?1) AND start_ms >= ?2 AND start_ms < ?3
      AND (start_ms > ?4 OR (start_ms = ?4 AND length_ms < ?5))
    ORDER BY start_ms, length_ms DESC LIMIT ?6`)
  const oldMinutes = database.prepare(
    `SELECT * FROM samples WHERE plugin = ? AND length_ms = ${minuteMs} AND start_ms < ?`,
  )
  const dropMinutes = database.prepare(
    `DELETE FROM samples WHERE plugin = ? AND length_ms = ${minuteMs} AND start_ms < ?`,
  )
  const dropBefore = database.prepare('DELETE FROM samples WHERE start_ms < ?')
  const clock = database.prepare('SELECT time_ms AS timeMs FROM clock')
  const putClock = database.prepare('INSERT OR REPLACE INTO clock VALUES (1, ?)')
  const oldest = database.prepare('SELECT min(start_ms) AS startMs FROM samples')
  const size = database.prepare(
    `SELECT (page_count - freelist_count) * page_size AS bytes
     FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()`,
  )
  const dropPlugins = database.prepare(
    'DELETE FROM plugins WHERE number IN (SELECT number FROM plugins ORDER BY written_ms DESC LIMIT -1 OFFSET ?)',
  )

  function addTo(plugin: number, lengthMs: number, startMs: number, calls: CallCounts): void {
    const row = getSample.get(plugin, lengthMs, startMs) as SampleRow | undefined
    const added = { ...calls, durations: coarse(calls.durations) }
    const sum = row === undefined ? added : sumOf(callsOf(row), added)
    putSample.run(plugin, lengthMs, startMs, ...valuesOf(sum))
  }

  function writeOne({ id, reading: { durations, ...reading }, minutes }: PluginNews, nowMs: number): void {
    const row = one.get(id) as PluginRow | undefined
    const total = [...minutes.values()].reduce(sumOf, row === undefined ? noCalls : callsOf(row))
    const read = [JSON.stringify(reading), encodeDurations(durations)] as const
    const { number } = putPlugin.get(id, ...read, nowMs, ...valuesOf(total)) as unknown as Pick<PluginRow, 'number'>
    for (const [startMs, calls] of minutes) addTo(number, minuteMs, startMs, calls)
  }

  function rollUp(plugin: number, beforeMs: number): void {
    const hours = new Map<number, CallCounts>()
    for (const row of oldMinutes.all(plugin, beforeMs) as unknown as readonly SampleRow[]) {
      const hour = row.start_ms - (row.start_ms % hourMs)
      hours.set(hour, sumOf(hours.get(hour) ?? noCalls, callsOf(row)))
    }
    for (const [startMs, calls] of hours) addTo(plugin, hourMs, startMs, calls)
    dropMinutes.run(plugin, beforeMs)
  }

  /** Whole hours of minutes, so that an hour is made once. */
  function rollUpAll(nowMs: number): void {
    const beforeMs = nowMs - minutesForMs - ((nowMs - minutesForMs) % hourMs)
    const plugins = all.all() as unknown as readonly PluginRow[]
    for (const { number } of plugins) inTransaction(database, () => rollUp(number, beforeMs))
  }

  function makeRoom(): void {
    while ((size.get() as { readonly bytes: number }).bytes > bounds.bytes) {
      const { startMs } = oldest.get() as { readonly startMs: number | null }
      if (startMs === null) return
      dropBefore.run(startMs + dayMs)
    }
  }

  return {
    load: () => (all.all() as unknown as readonly PluginRow[]).map(keptOf),
    write: (news, nowMs) =>
      inTransaction(database, () => {
        for (const each of news) writeOne(each, nowMs)
      }),
    list({ id, fromMs, toMs, after, limit }) {
      const { startMs, lengthMs } = after ?? { startMs: -1, lengthMs: 0 }
      return (some.all(id, fromMs, toMs, startMs, lengthMs, limit) as unknown as readonly SampleRow[]).map(sampleOf)
    },
    sum(id, fromMs, toMs) {
      const rows = some.all(id, fromMs, toMs + 1, -1, 0, -1) as unknown as readonly SampleRow[]
      return rows.map(callsOf).reduce(sumOf, noCalls)
    },
    tidy(nowMs, passedMs) {
      const { timeMs } = (clock.get() ?? { timeMs: nowMs }) as { readonly timeMs: number }
      const clockMs = clockAfter(timeMs, nowMs, passedMs)
      rollUpAll(nowMs)
      dropBefore.run(Math.min(clockMs, nowMs) - hoursForMs)
      dropPlugins.run(bounds.plugins)
      makeRoom()
      putClock.run(clockMs) // last: what fails before is done again, with the same time
    },
  }
}
