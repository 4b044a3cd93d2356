import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { openDatabase } from '../../../state/database.ts'
import { auditMigration, createAuditLog } from '../audit-log.ts'
import { createConduct } from '../conduct.ts'
import type { ConductPolicy, CountedKind } from '../conduct-policy.ts'
import { standardPolicy } from '../conduct-policy.ts'
import { conductMigration } from '../conduct-record.ts'
import type { ServiceReport } from '../conduct-report.ts'
import type { Someone } from '../conduct-words.ts'
import type { PluginClass } from '../manifest-schema.ts'

export const conductMigrations = [auditMigration, conductMigration]

const silent = { warn: () => {}, info: () => {}, error: () => {} }

/** A database on the disk, clocks that a test moves, and one host after the other. */
export function newConductRig(policy: ConductPolicy = standardPolicy) {
  const directory = mkdtempSync(join(tmpdir(), 'openracing-conduct-'))
  const file = join(directory, 'state.db')
  const clocks = { wallMs: Date.UTC(2026, 0, 1), upMs: 1000 }
  const installed = new Map<string, Someone>()
  let database: DatabaseSync | undefined
  return {
    file,
    clocks,
    installed,
    /** Time passes. */
    pass(ms: number) {
      clocks.wallMs += ms
      clocks.upMs += ms
    },
    /** A host that starts on what the one before it left. */
    host() {
      database?.close()
      database = openDatabase(file, conductMigrations)
      const audit = createAuditLog(database, () => clocks.wallMs)
      const conduct = createConduct({
        ...{ database, audit, policy, log: silent, whoIs: (id) => installed.get(id) },
        ...{ nowMs: () => clocks.wallMs, monotonicMs: () => clocks.upMs },
      })
      const entries = () => audit.list({ kind: '', subject: '', before: 0, limit: 1000 }).toReversed()
      return {
        ...{ conduct, database, audit, entries },
        decided: () => entries().map(({ subject, decision }) => `${subject}: ${decision}`),
      }
    },
    [Symbol.dispose]() {
      database?.close()
      rmSync(directory, { recursive: true })
    },
  }
}

/** A report of one plugin that has done so much since its counters began. */
export const reportOf = (
  id: string,
  counts: Partial<Record<CountedKind, number>>,
  { name = 'first', pluginClass = 'Fast' as PluginClass, lastUs = 1 } = {},
): ServiceReport => ({
  pluginClass,
  plugins: [
    {
      ...{ id, name },
      tallies: Object.entries(counts).map(([word, count]) => ({
        ...{ word: word as CountedKind, as: word as CountedKind, count, lastUs, detail: `the newest ${word}` },
      })),
    },
  ],
})
