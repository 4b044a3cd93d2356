import { DatabaseSync } from 'node:sqlite'
import { RigError, systemFailure } from '../rpc/failure.ts'

/** The whole of what makes a newer database out of an older one, as SQL. What was once released never changes. */
export type Migration = string

function migrate(database: DatabaseSync, migrations: readonly Migration[], file: string): void {
  const { user_version: version } = database.prepare('PRAGMA user_version').get() as { readonly user_version: number }
  if (version > migrations.length) {
    throw new RigError(
      'CONFIG_INVALID',
      `${file} is of version ${version}, and this program knows ${migrations.length}; start the newer program, or restore an older copy of the file`,
    )
  }
  for (const [index, sql] of migrations.entries()) {
    if (index >= version) database.exec(`BEGIN IMMEDIATE; ${sql}; PRAGMA user_version = ${index + 1}; COMMIT`)
  }
}

/** Table by table: the cost of one that only grows is then not that of every start. */
function check(database: DatabaseSync, file: string, unchecked: readonly string[]): void {
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all() as unknown as readonly {
    readonly name: string
  }[]
  for (const { name } of tables.filter((table) => !unchecked.includes(table.name))) {
    const checked = database.prepare(`PRAGMA quick_check("${name.replaceAll('"', '""')}")`).get()
    const { quick_check: verdict } = checked as { readonly quick_check: string }
    if (verdict !== 'ok') throw new RigError('CONFIG_INVALID', `${file} is damaged (${verdict}); restore a copy of it`)
  }
}

/**
 * Opens the database of a rig's state, makes it where it is missing, and brings it up to `migrations`. What is committed
 * is on the disk: write-ahead log, synchronous FULL. One process at a time. Throws CONFIG_INVALID for a file that is damaged,
 * is no database or is of a newer version, and then it stays as it is. `unchecked`: tables that nothing is decided from;
 * whoever reads them finds out whether they are damaged.
 */
export function openDatabase(
  file: string,
  migrations: readonly Migration[],
  unchecked: readonly string[] = [],
): DatabaseSync {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file)
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON')
    check(database, file, unchecked)
    migrate(database, migrations, file)
    return database
  } catch (cause) {
    database?.close()
    if (cause instanceof RigError) throw cause
    const what = `${file} cannot be used (${(cause as Error).message})`
    throw new RigError(systemFailure(cause, 'CONFIG_INVALID'), `${what}; restore a copy of it, or make it writable`, {
      cause,
    })
  }
}

/** Commits what `act` did, or undoes all of it when it throws. Nothing else may use the database meanwhile. */
export function inTransaction<T>(database: DatabaseSync, act: () => T): T {
  database.exec('BEGIN IMMEDIATE')
  try {
    const result = act()
    database.exec('COMMIT')
    return result
  } catch (cause) {
    if (database.isTransaction) database.exec('ROLLBACK') // a full disk has done so already
    throw cause
  }
}
