import type { DatabaseSync } from 'node:sqlite'
import { RigError } from '../../rpc/failure.ts'
import { bySomebody } from '../../rpc/peer.ts'
import { inTransaction, type Migration } from '../../state/database.ts'
import type { AuditLog } from './audit-log.ts'
import type { Goal } from './plugin-state.ts'

export const pluginGoalsMigration: Migration =
  'CREATE TABLE plugin_goals (plugin_id TEXT PRIMARY KEY, goal TEXT NOT NULL) STRICT'

/** Where the operator wants single plugins to get to, for good. */
export interface PluginGoals {
  /** Null where the operator said nothing. */
  of(pluginId: string): Goal | null
  /** On the disk, and in the audit log, when this returns. `directory`: how the log names it. */
  set(pluginId: string, directory: string, goal: Goal): void
}

/** The command that says it. */
const decisionOf: Readonly<Record<Goal, string>> = {
  running: 'enable',
  loaded: 'load',
  available: 'unload',
  disabled: 'disable',
}

const goals: readonly Goal[] = ['running', 'loaded', 'available', 'disabled']

function goalOf(word: string, pluginId: string): Goal {
  const goal = goals.find((each) => each === word)
  if (goal !== undefined) return goal
  const bounds = `it is one of ${goals.join(', ')}; restore a copy of the state database`
  throw new RigError('CONFIG_INVALID', `plugin_goals has ${JSON.stringify(word)} for ${pluginId}; ${bounds}`)
}

/** Reads what is there. Throws CONFIG_INVALID for a word that is none: nobody knows what was not to run. */
export function createPluginGoals(database: DatabaseSync, audit: Pick<AuditLog, 'append'>): PluginGoals {
  const upsert = database.prepare('INSERT OR REPLACE INTO plugin_goals VALUES (?, ?)')
  const rows = database.prepare('SELECT plugin_id AS id, goal FROM plugin_goals').all() as unknown
  const known = new Map(
    (rows as readonly { readonly id: string; readonly goal: string }[]).map(({ id, goal }) => [id, goalOf(goal, id)]),
  )
  return {
    of: (pluginId) => known.get(pluginId) ?? null,
    set(pluginId, directory, goal) {
      inTransaction(database, () => {
        const reason = 'by the operator'
        const evidence = { plugin_id: pluginId, before: known.get(pluginId) ?? null, ...bySomebody() }
        audit.append({ kind: 'plugin', subject: directory, decision: decisionOf[goal], reason, evidence })
        upsert.run(pluginId, goal)
      })
      known.set(pluginId, goal)
    },
  }
}
