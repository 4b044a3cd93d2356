import type { DatabaseSync } from 'node:sqlite'
import type { Migration } from '../../state/database.ts'
import type { ClockMark } from './conduct-clock.ts'
import type { Reading } from './conduct-intake.ts'
import type { CountedKind } from './conduct-policy.ts'
import { blameless, type ConductState } from './conduct-state.ts'
import { noWindows } from './conduct-window.ts'
import type { PluginClass } from './manifest-schema.ts'

/** The last is a year that every calendar of ours can name: the year 128,723. */
const boundOf = (column: string): number => (column.endsWith('_ms') ? 4e15 : Number.MAX_SAFE_INTEGER)
const whole = (column: string): string =>
  `${column} INTEGER NOT NULL CHECK (${column} BETWEEN 0 AND ${boundOf(column)})`
const wholes = (...columns: readonly string[]): string => columns.map(whole).join(', ')

/**
 * The conduct of every plugin. What the tables take is what is read back: opening a database checks every row against
 * them, and refuses the file for one that somebody made up.
 */
export const conductMigration: Migration = `
  CREATE TABLE conduct (
    plugin_id TEXT PRIMARY KEY, level INTEGER NOT NULL CHECK (level BETWEEN 0 AND 5),
    halvings INTEGER NOT NULL CHECK (halvings BETWEEN 0 AND 10), ${wholes('restore_from_ms', 'decay_from_ms')},
    ${wholes('crashes', 'capability_violations', 'timeout_violations', 'budget_violations')}
  ) STRICT;
  CREATE TABLE conduct_quarantines (
    plugin_id TEXT PRIMARY KEY REFERENCES conduct, ${wholes('since_ms', 'until_ms')}, reason TEXT NOT NULL,
    CHECK (since_ms < until_ms)
  ) STRICT;
  CREATE TABLE conduct_windows (
    plugin_id TEXT NOT NULL REFERENCES conduct, kind TEXT NOT NULL
      CHECK (kind IN ('crash', 'capability', 'timeout', 'budget')), ${wholes('at_ms', 'count')},
    PRIMARY KEY (plugin_id, kind, at_ms)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE conduct_readings (
    plugin_class TEXT NOT NULL CHECK (plugin_class IN ('Safe', 'Fast')), plugin_id TEXT NOT NULL, name TEXT NOT NULL,
    word TEXT NOT NULL, ${wholes('count', 'last_us')}, PRIMARY KEY (plugin_class, plugin_id, word)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE conduct_clock (id INTEGER PRIMARY KEY CHECK (id = 1), ${wholes('rig_ms', 'wall_ms')}) STRICT
`

/** Of one class of plugins, by their ids. */
export type Readings = ReadonlyMap<string, Reading>

/** What a host before this one left. */
export interface ConductLeft {
  readonly states: ReadonlyMap<string, ConductState>
  readonly readings: Readonly<Record<PluginClass, Readings>>
  readonly mark: ClockMark | undefined
}

/** The tables. Whoever writes more than one thing does so in a transaction. */
export interface ConductRecord {
  read(): ConductLeft
  saveState(pluginId: string, state: ConductState): void
  saveReading(pluginClass: PluginClass, pluginId: string, reading: Reading): void
  saveMark(mark: ClockMark): void
}

interface StateRow {
  readonly id: string
  readonly level: number
  readonly halvings: number
  readonly restoreFromMs: number
  readonly decayFromMs: number
  readonly crash: number
  readonly capability: number
  readonly timeout: number
  readonly budget: number
  readonly sinceMs: number | null
  readonly untilMs: number | null
  readonly reason: string | null
}

const stateQuery = `
  SELECT plugin_id AS id, level, halvings, restore_from_ms AS restoreFromMs, decay_from_ms AS decayFromMs,
    crashes AS crash, capability_violations AS capability, timeout_violations AS timeout, budget_violations AS budget,
    since_ms AS sinceMs, until_ms AS untilMs, reason
  FROM conduct LEFT JOIN conduct_quarantines USING (plugin_id)`

function stateOf({ level, halvings, restoreFromMs, decayFromMs, ...row }: StateRow): ConductState {
  const { crash, capability, timeout, budget, sinceMs, untilMs, reason } = row
  return {
    ...{ level, halvings, restoreFromMs, decayFromMs, totals: { crash, capability, timeout, budget } },
    quarantine: sinceMs === null || untilMs === null ? null : { sinceMs, untilMs, reason: reason ?? '' },
    windows: noWindows,
  }
}

interface WindowRow {
  readonly id: string
  readonly kind: CountedKind
  readonly atMs: number
  readonly count: number
}

interface ReadingRow {
  readonly pluginClass: PluginClass
  readonly id: string
  readonly name: string
  readonly word: string
  readonly count: number
  readonly lastUs: number
}

function readStates(database: DatabaseSync): ReadonlyMap<string, ConductState> {
  const rows = database.prepare(stateQuery).all() as unknown as readonly StateRow[]
  const states = new Map(rows.map((row) => [row.id, stateOf(row)]))
  const windows = database.prepare(
    'SELECT plugin_id AS id, kind, at_ms AS atMs, count FROM conduct_windows ORDER BY plugin_id, kind, at_ms',
  )
  for (const { id, kind, ...batch } of windows.all() as unknown as readonly WindowRow[]) {
    const state = states.get(id) ?? blameless
    states.set(id, { ...state, windows: { ...state.windows, [kind]: [...state.windows[kind], batch] } })
  }
  return states
}

function readReadings(database: DatabaseSync): Readonly<Record<PluginClass, Readings>> {
  const readings = { Safe: new Map<string, Reading>(), Fast: new Map<string, Reading>() }
  const rows = database.prepare(
    'SELECT plugin_class AS pluginClass, plugin_id AS id, name, word, count, last_us AS lastUs FROM conduct_readings',
  )
  for (const { pluginClass, id, name, word, count, lastUs } of rows.all() as unknown as readonly ReadingRow[]) {
    const before = readings[pluginClass].get(id)?.tallies
    readings[pluginClass].set(id, { name, tallies: { ...before, [word]: { count, lastUs } } })
  }
  return readings
}

export function openConductRecord(database: DatabaseSync): ConductRecord {
  const upsertState = database.prepare(`INSERT INTO conduct VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE
    SET level = excluded.level, halvings = excluded.halvings, restore_from_ms = excluded.restore_from_ms,
      decay_from_ms = excluded.decay_from_ms, crashes = excluded.crashes,
      capability_violations = excluded.capability_violations, timeout_violations = excluded.timeout_violations,
      budget_violations = excluded.budget_violations`)
  const dropQuarantine = database.prepare('DELETE FROM conduct_quarantines WHERE plugin_id = ?')
  const addQuarantine = database.prepare('INSERT INTO conduct_quarantines VALUES (?, ?, ?, ?)')
  const dropWindow = database.prepare('DELETE FROM conduct_windows WHERE plugin_id = ?')
  const addBatch = database.prepare('INSERT INTO conduct_windows VALUES (?, ?, ?, ?)')
  const dropReading = database.prepare('DELETE FROM conduct_readings WHERE plugin_class = ? AND plugin_id = ?')
  const addTally = database.prepare('INSERT INTO conduct_readings VALUES (?, ?, ?, ?, ?, ?)')
  const upsertMark = database.prepare('INSERT OR REPLACE INTO conduct_clock VALUES (1, ?, ?)')
  const selectMark = database.prepare('SELECT rig_ms AS rigMs, wall_ms AS wallMs FROM conduct_clock')
  return {
    read: () => ({
      states: readStates(database),
      readings: readReadings(database),
      mark: selectMark.get() as ClockMark | undefined,
    }),
    saveState(id, { level, halvings, restoreFromMs, decayFromMs, totals, quarantine, windows }) {
      const { crash, capability, timeout, budget } = totals
      upsertState.run(id, level, halvings, restoreFromMs, decayFromMs, crash, capability, timeout, budget)
      dropQuarantine.run(id)
      if (quarantine !== null) addQuarantine.run(id, quarantine.sinceMs, quarantine.untilMs, quarantine.reason)
      dropWindow.run(id)
      for (const [kind, batches] of Object.entries(windows))
        for (const { atMs, count } of batches) addBatch.run(id, kind, atMs, count)
    },
    saveReading(pluginClass, id, { name, tallies }) {
      dropReading.run(pluginClass, id)
      for (const [word, { count, lastUs }] of Object.entries(tallies))
        addTally.run(pluginClass, id, name, word, count, lastUs)
    },
    saveMark: ({ rigMs, wallMs }) => void upsertMark.run(rigMs, wallMs),
  }
}
