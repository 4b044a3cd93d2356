import { openDatabase } from '../../state/database.ts'
import { auditMigration, auditTable, createAuditLog } from './audit-log.ts'
import { capabilityWordsMigration, createCapabilityWords } from './capability-words.ts'
import { conductMigration } from './conduct-record.ts'
import { createKnownKeys, knownKeysMigration } from './known-keys.ts'
import { createNewestVersions, newestVersionsMigration } from './newest-versions.ts'
import { createPluginGoals, pluginGoalsMigration } from './plugin-goals.ts'

/** In the order in which they came: none is ever changed, moved or removed. */
const migrations = [
  auditMigration,
  knownKeysMigration,
  newestVersionsMigration,
  pluginGoalsMigration,
  capabilityWordsMigration,
  conductMigration,
] as const

/**
 * What a rig keeps: what was decided, said and seen, in one database. Throws CONFIG_INVALID for one that is damaged, and
 * for words in it that mean nothing. `nowMs`: the wall clock, ms since 1970.
 */
export function openRigState(file: string, nowMs: () => number) {
  const database = openDatabase(file, migrations, [auditTable])
  try {
    const audit = createAuditLog(database, nowMs)
    return {
      database,
      audit,
      known: createKnownKeys(database, audit),
      versions: createNewestVersions(database),
      goals: createPluginGoals(database, audit),
      words: createCapabilityWords(database, audit),
      close: () => database.close(),
    }
  } catch (cause) {
    database.close()
    throw cause
  }
}

export type RigState = ReturnType<typeof openRigState>
