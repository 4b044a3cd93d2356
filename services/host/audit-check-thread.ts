import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import { verifyLog } from './audit-log.ts'

/** What the thread is started with. */
export interface AuditCheck {
  /** Path of the database. */
  readonly file: string
  readonly head: string
}

// The thread of audit-check.ts: reads the log once, through a connection of its own that can write nothing.
const { file, head }: AuditCheck = workerData
const database = new DatabaseSync(file, { readOnly: true })
const verdict = verifyLog(database, head)
database.close()
parentPort?.postMessage(verdict)
