import type { DatabaseSync } from 'node:sqlite'
import { RigError } from '../../rpc/failure.ts'
import { bySomebody } from '../../rpc/peer.ts'
import { inTransaction, type Migration } from '../../state/database.ts'
import type { AuditLog } from './audit-log.ts'
import type { CapabilityWord, Risk } from './capability-grants.ts'
import { type Capability, capabilities } from './manifest-schema.ts'

export const capabilityWordsMigration: Migration = `
  CREATE TABLE capability_words (
    plugin_id TEXT NOT NULL, capability TEXT NOT NULL, word TEXT NOT NULL, sha256 TEXT NOT NULL,
    PRIMARY KEY (plugin_id, capability)
  ) STRICT
`

/** Which plugin, as the audit log names it, and which of its capabilities. */
export interface CapabilityOf {
  readonly pluginId: string
  readonly directory: string
  readonly capability: Capability
  readonly risk: Risk
}

/** What the operator said about single capabilities of single plugins. */
export interface CapabilityWords {
  on(pluginId: string, capability: Capability): CapabilityWord | undefined
  /** To these bytes and no others. On the disk, and in the audit log, when this returns. */
  grant(of: CapabilityOf, sha256: string): void
  /** As grant(). */
  revoke(of: CapabilityOf): void
}

interface Row {
  readonly pluginId: string
  readonly capability: string
  readonly word: string
  readonly sha256: string
}

const keyOf = (pluginId: string, capability: string): string => `${pluginId} ${capability}`

/** What cannot be read is no grant. */
const wordOf = ({ word, sha256 }: Row): CapabilityWord =>
  word === 'granted' && /^[0-9a-f]{64}$/.test(sha256) ? { kind: 'granted', sha256 } : { kind: 'revoked' }

function needKnown({ capability }: Row): void {
  if ((capabilities as readonly string[]).includes(capability)) return
  const bounds = `the capabilities are ${capabilities.join(', ')}; restore a copy of the state database`
  throw new RigError('CONFIG_INVALID', `capability_words has the capability ${JSON.stringify(capability)}; ${bounds}`)
}

/** Reads what is there. Throws CONFIG_INVALID for words about what is no capability. */
export function createCapabilityWords(database: DatabaseSync, audit: Pick<AuditLog, 'append'>): CapabilityWords {
  const upsert = database.prepare('INSERT OR REPLACE INTO capability_words VALUES (?, ?, ?, ?)')
  const all = database.prepare('SELECT plugin_id AS pluginId, capability, word, sha256 FROM capability_words').all()
  const rows = all as unknown as readonly Row[]
  rows.forEach(needKnown)
  const known = new Map(rows.map((row) => [keyOf(row.pluginId, row.capability), wordOf(row)]))

  function say({ pluginId, directory, capability, risk }: CapabilityOf, word: CapabilityWord): void {
    const sha256 = word.kind === 'granted' ? word.sha256 : ''
    const decision = word.kind === 'granted' ? 'grant' : 'revoke'
    inTransaction(database, () => {
      const evidence = { capability, risk, sha256: sha256 || null, ...bySomebody() }
      audit.append({ kind: 'plugin', subject: directory, decision, reason: 'by the operator', evidence })
      upsert.run(pluginId, capability, word.kind, sha256)
    })
    known.set(keyOf(pluginId, capability), word)
  }

  return {
    on: (pluginId, capability) => known.get(keyOf(pluginId, capability)),
    grant: (of, sha256) => say(of, { kind: 'granted', sha256: sha256.toLowerCase() }),
    revoke: (of) => say(of, { kind: 'revoked' }),
  }
}
