import type { DatabaseSync } from 'node:sqlite'
import { type Key, TrustLevel } from '../../gen/proto/openracing/v1/key.ts'
import { inTransaction, type Migration } from '../../state/database.ts'
import type { AuditLog } from './audit-log.ts'

export const knownKeysMigration: Migration =
  'CREATE TABLE known_keys (fingerprint TEXT PRIMARY KEY, level TEXT NOT NULL, note TEXT NOT NULL) STRICT'

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
  readonly note: string
}

/** What an entry has beside the level. */
const noteOf = ({ identifier, reason, userModifiable }: Key): string =>
  JSON.stringify([identifier, reason, userModifiable])

export function createKnownKeys(database: DatabaseSync, audit: Pick<AuditLog, 'append'>): KnownKeys {
  const select = database.prepare('SELECT fingerprint, level, note FROM known_keys')
  const upsert = database.prepare('INSERT OR REPLACE INTO known_keys VALUES (?, ?, ?)')
  const remove = database.prepare('DELETE FROM known_keys WHERE fingerprint = ?')

  function note(keys: readonly Key[], known: ReadonlyMap<string, Row>): void {
    for (const key of keys) {
      const { fingerprint, identifier, reason, userModifiable } = key
      const [before, decision, said] = [known.get(fingerprint), wordOf[key.trustLevel], noteOf(key)]
      if (before?.level === decision && before.note === said) continue
      const evidence = { identifier, before: before?.level ?? null, user_modifiable: userModifiable }
      audit.append({ kind: 'key', subject: fingerprint, decision, reason, evidence })
      upsert.run(fingerprint, decision, said)
    }
    const there = new Set(keys.map(({ fingerprint }) => fingerprint))
    for (const [fingerprint, { level: before }] of known) {
      if (there.has(fingerprint)) continue
      audit.append({ kind: 'key', subject: fingerprint, decision: 'removed', reason: '', evidence: { before } })
      remove.run(fingerprint)
    }
  }

  return {
    observe(keys) {
      const known = new Map((select.all() as unknown as readonly Row[]).map((row) => [row.fingerprint, row]))
      inTransaction(database, () => note(keys, known))
    },
  }
}
