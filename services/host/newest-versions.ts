import type { DatabaseSync } from 'node:sqlite'
import compare from 'semver/functions/compare.js'
import type { Migration } from '../../state/database.ts'

export const newestVersionsMigration: Migration =
  'CREATE TABLE newest_versions (plugin_id TEXT PRIMARY KEY, version TEXT NOT NULL) STRICT'

/** The newest version of each plugin that this rig has run on the word of a bundle: none that is older is taken for it. */
export interface NewestVersions {
  /** Empty where there is none. */
  of(pluginId: string): string
  /** This version runs; empty: nobody says which. On the disk when this returns. */
  note(pluginId: string, version: string): void
}

export function createNewestVersions(database: DatabaseSync): NewestVersions {
  const select = database.prepare('SELECT version FROM newest_versions WHERE plugin_id = ?')
  const upsert = database.prepare('INSERT OR REPLACE INTO newest_versions VALUES (?, ?)')
  const of = (pluginId: string): string =>
    (select.get(pluginId) as { readonly version: string } | undefined)?.version ?? ''
  return {
    of,
    note(pluginId, version) {
      if (version === '') return
      const before = of(pluginId)
      if (before === '' || compare(version, before) > 0) upsert.run(pluginId, version)
    },
  }
}
