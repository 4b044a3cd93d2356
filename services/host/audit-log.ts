import type { DatabaseSync } from 'node:sqlite'
import type { Migration } from '../../state/database.ts'
import {
  type AuditEntry,
  type AuditKind,
  type AuditVerdict,
  type Decided,
  nextEntry,
  verifyChain,
} from './audit-chain.ts'

/** The table, which takes what is appended and nothing else. */
export const auditMigration: Migration = `
  CREATE TABLE audit (
    number INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, decision TEXT NOT NULL,
    reason TEXT NOT NULL, evidence TEXT NOT NULL, previous_hash TEXT NOT NULL, hash TEXT NOT NULL
  ) STRICT;
  CREATE TRIGGER audit_in_order BEFORE INSERT ON audit
    WHEN NEW.number IS NOT (SELECT coalesce(max(number), 0) + 1 FROM audit)
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
  CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
  CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END
`

const columns = `number, at_ms AS atMs, kind, subject, decision, reason, evidence, previous_hash AS previousHash, hash`

/** Which entries are asked for. Empty fields ask for all. */
export interface AuditQuery {
  readonly kind: AuditKind | ''
  readonly subject: string
  /** Those with a smaller number; 0: from the newest. */
  readonly before: number
  readonly limit: number
}

/** Every decision of this rig, with its evidence, for as long as its state directory lasts. */
export interface AuditLog {
  /** On the disk when this returns. */
  append(decided: Decided): AuditEntry
  /** Newest first. */
  list(query: AuditQuery): readonly AuditEntry[]
}

/** The table that openDatabase() need not check: nothing is decided from it, and verifyLog() reads all of it. */
export const auditTable = 'audit'

/**
 * Reads the whole log as it is at one time, whatever is appended meanwhile: 100 ms for 10,000 entries, so it is for a
 * thread of its own. `head`: as verifyChain().
 */
export function verifyLog(database: DatabaseSync, head: string): AuditVerdict {
  try {
    // One statement reads one snapshot.
    const all = database.prepare(`SELECT ${columns} FROM audit ORDER BY number`)
    return verifyChain(all.iterate() as Iterable<unknown> as Iterable<AuditEntry>, head)
  } catch (cause) {
    return { kind: 'broken', number: 1, why: `it cannot be read (${(cause as Error).message})` }
  }
}

/** `nowMs`: the wall clock, ms since 1970. */
export function createAuditLog(database: DatabaseSync, nowMs: () => number): AuditLog {
  const newest = database.prepare('SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1')
  const insert = database.prepare('INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)')
  const some = database.prepare(
    `SELECT ${columns} FROM audit WHERE (?1 = '' OR kind = ?1) AND (?2 = '' OR subject = ?2) AND (?3 = 0 OR number < ?3)
     ORDER BY number DESC LIMIT ?4`,
  )
  return {
    append(decided) {
      const last = newest.get() as Pick<AuditEntry, 'number' | 'hash'> | undefined
      const entry = nextEntry(last, decided, nowMs())
      const { number, atMs, kind, subject, decision, reason, evidence, previousHash, hash } = entry
      insert.run(number, atMs, kind, subject, decision, reason, evidence, previousHash, hash)
      return entry
    },
    list: ({ kind, subject, before, limit }) =>
      some.all(kind, subject, before, limit) as unknown as readonly AuditEntry[],
  }
}
