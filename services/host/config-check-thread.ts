import { parentPort } from 'node:worker_threads'
import { checkAgainst } from './plugin-config-schema.ts'

/** What the thread is asked. */
export interface CheckRequest {
  readonly schema: object
  readonly config: Record<string, unknown>
}

// The thread of config-check.ts: says once that it is there, then answers one request after the other.
parentPort?.on('message', ({ schema, config }: CheckRequest) => parentPort?.postMessage(checkAgainst(schema, config)))
parentPort?.postMessage('ready')
