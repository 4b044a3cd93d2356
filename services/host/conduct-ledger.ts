import type { DatabaseSync } from 'node:sqlite'
import { inTransaction } from '../../state/database.ts'
import type { AuditLog } from './audit-log.ts'
import type { ClockMark } from './conduct-clock.ts'
import type { Reading } from './conduct-intake.ts'
import { openConductRecord } from './conduct-record.ts'
import { blameless, type ConductState, type Decision } from './conduct-state.ts'
import { type DecisionFacts, decidedOf } from './conduct-words.ts'
import type { PluginClass } from './manifest-schema.ts'

/** What is to be written at once. */
export interface Draft {
  readonly states: Map<string, ConductState>
  readonly readings: { readonly pluginClass: PluginClass; readonly id: string; readonly reading: Reading }[]
  readonly decisions: Drafted[]
}

export interface Drafted extends Pick<DecisionFacts, 'id' | 'details' | 'why'> {
  readonly decision: Decision
}

export const newDraft = (): Draft => ({ states: new Map(), readings: [], decisions: [] })

/** What is known of every plugin: in memory what is on the disk, and nothing else. */
export interface ConductLedger {
  stateOf(id: string): ConductState
  readingOf(pluginClass: PluginClass, id: string): Reading | undefined
  /** Every plugin that was ever charged. */
  ids(): readonly string[]
  /** The clock as it was when something was last written. */
  mark(): ClockMark | undefined
  /** On the disk when this returns: states, readings, clock and the entries of the audit log, all or none of them. */
  commit(draft: Draft, facts: Omit<DecisionFacts, keyof Drafted | 'someone'>, whoIs: WhoIs): void
}

/** Undefined of a plugin that is not installed. */
export type WhoIs = (id: string) => DecisionFacts['someone']

/** `audit`: on the same database. */
export function openConductLedger(database: DatabaseSync, audit: Pick<AuditLog, 'append'>): ConductLedger {
  const record = openConductRecord(database)
  const left = record.read()
  const states = new Map(left.states)
  const readings = { Safe: new Map(left.readings.Safe), Fast: new Map(left.readings.Fast) }
  let mark = left.mark

  return {
    stateOf: (id) => states.get(id) ?? blameless,
    readingOf: (pluginClass, id) => readings[pluginClass].get(id),
    ids: () => [...states.keys()],
    mark: () => mark,
    commit(draft, facts, whoIs) {
      inTransaction(database, () => {
        for (const [id, state] of draft.states) record.saveState(id, state)
        for (const { pluginClass, id, reading } of draft.readings) record.saveReading(pluginClass, id, reading)
        for (const { decision, ...drafted } of draft.decisions)
          audit.append(decidedOf(decision, { ...facts, ...drafted, someone: whoIs(drafted.id) }))
        record.saveMark(facts.clock)
      })
      for (const [id, state] of draft.states) states.set(id, state)
      for (const { pluginClass, id, reading } of draft.readings) readings[pluginClass].set(id, reading)
      mark = { rigMs: facts.clock.rigMs, wallMs: facts.clock.wallMs }
    },
  }
}
