import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { RigError } from '../../rpc/failure.ts'
import type { AuditVerdict } from './audit-chain.ts'
import type { AuditCheck } from './audit-check-thread.ts'

/** Reads the audit log in a thread of its own: the host goes on meanwhile, and appends. */
export interface AuditChecks {
  /**
   * As verifyLog(), of the log as it is when its turn comes: one is read at a time. Throws SERVICE_UNAVAILABLE at `signal`,
   * when it is closed meanwhile, or where the thread fails.
   */
  verify(head: string, signal: AbortSignal): Promise<AuditVerdict>
  /** Ends what is under way; resolves when it is gone. May be called twice. */
  close(): Promise<void>
}

/** `file`: path of the database, which must be there. */
export function openAuditChecks(file: string): AuditChecks {
  const closing = new AbortController()
  let turn: Promise<unknown> = Promise.resolve()

  async function read(head: string, signal: AbortSignal): Promise<AuditVerdict> {
    signal.throwIfAborted()
    const worker = new Worker(new URL('./audit-check-thread.ts', import.meta.url), {
      workerData: { file, head } satisfies AuditCheck,
    })
    try {
      const [verdict] = await once(worker, 'message', { signal })
      return verdict
    } finally {
      worker.on('error', () => undefined) // one that is ended in the middle of its start says so
      await worker.terminate()
    }
  }

  return {
    async verify(head, signal) {
      const over = AbortSignal.any([signal, closing.signal])
      const mine = turn.then(() => read(head, over))
      turn = mine.catch(() => undefined)
      try {
        return await mine
      } catch (cause) {
        const why = over.aborted ? 'nobody waits for it any more' : (cause as Error).message
        throw new RigError('SERVICE_UNAVAILABLE', `the audit log was not read to its end (${why}); ask again`, {
          cause,
        })
      }
    },
    async close() {
      closing.abort()
      await turn
    },
  }
}
