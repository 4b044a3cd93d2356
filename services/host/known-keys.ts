import type { DatabaseSync } from 'node:sqlite'
import { type Key, TrustLevel } from '../../gen/proto/openracing/v1/key.ts'
import type { Migration } from '../../state/database.ts'
import type { AuditLog } from './audit-log.ts'

export const knownKeysMigration: Migration =
  'CREATE TABLE known_keys (fingerprint TEXT PRIMARY KEY, level TEXT NOT NULL) STRICT'

/** The keys as the audit log has them, so that it has every change of them, whoever made it and whenever. */
export interface KnownKeys {
  /** Says what is different from the last time. On the disk when this returns. */
  observe(keys: readonly Key[]): void
}

const wordOf: Readonly<Record<TrustLevel, string>> = {
  [TrustLevel.TRUST_LEVEL_UNSPECIFIED]: 'unknown',
  [TrustLevel.TRUST_LEVEL_TRUSTED]: 'trusted',
  [TrustLevel.TRUST_LEVEL_UNKNOWN]: 'unknown',
  [TrustLevel.TRUST_LEVEL_DISTRUSTED]: 'distrusted',
}

interface Row {
  readonly fingerprint: string
  readonly level: string
}

export function createKnownKeys(database: DatabaseSync, audit: Pick<AuditLog, 'append'>): KnownKeys {
  const select = database.prepare('SELECT fingerprint, level FROM known_keys')
  const upsert = database.prepare('INSERT OR REPLACE INTO known_keys VALUES (?, ?)')
  const remove = database.prepare('DELETE FROM known_keys WHERE fingerprint = ?')

  function note(keys: readonly Key[], known: ReadonlyMap<string, string>): void {
    for (const { fingerprint, identifier, trustLevel, reason, userModifiable } of keys) {
      const [before, decision] = [known.get(fingerprint) ?? null, wordOf[trustLevel]]
      if (before === decision) continue
      const evidence = { identifier, before, user_modifiable: userModifiable }
      audit.append({ kind: 'key', subject: fingerprint, decision, reason, evidence })
      upsert.run(fingerprint, decision)
    }
    const there = new Set(keys.map(({ fingerprint }) => fingerprint))
    for (const [fingerprint, before] of known) {
      if (there.has(fingerprint)) continue
      audit.append({ kind: 'key', subject: fingerprint, decision: 'removed', reason: '', evidence: { before } })
      remove.run(fingerprint)
    }
  }

  return {
    observe(keys) {
      const known = new Map((select.all() as unknown as readonly Row[]).map((row) => [row.fingerprint, row.level]))
      database.exec('BEGIN IMMEDIATE')
      try {
        note(keys, known)
        database.exec('COMMIT')
      } catch (cause) {
        database.exec('ROLLBACK')
        throw cause
      }
    },
  }
}
