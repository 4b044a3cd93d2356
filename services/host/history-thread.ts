import type { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import { RigError } from '../../rpc/failure.ts'
import { openDatabase } from '../../state/database.ts'
import {
  createHistoryStore,
  dayMs,
  type HistoryStore,
  historyMigrations,
  hourMs,
  type PluginNews,
} from './history-store.ts'

/** What the thread is asked. `part` is of the next `write`, which says of how many plugins it is, and has no answer. */
export type HistoryRequest =
  | { readonly number: number; readonly ask: 'load' }
  | { readonly ask: 'part'; readonly news: readonly PluginNews[] }
  | { readonly number: number; readonly ask: 'write'; readonly plugins: number; readonly nowMs: number }
  | { readonly number: number; readonly ask: 'list'; readonly query: Parameters<HistoryStore['list']>[0] }
  | {
      readonly number: number
      readonly ask: 'sum'
      readonly id: string
      readonly fromMs: number
      readonly toMs: number
    }
  | { readonly number: number; readonly ask: 'close' }

export type HistoryAnswer =
  | { readonly number: number; readonly value: unknown }
  | { readonly number: number; readonly failure: string }

// The thread of history-file.ts: it owns the file, and answers one request after the other.
const file: string = workerData
let database: DatabaseSync | undefined
let store: HistoryStore | undefined
let parts: readonly PluginNews[] = []
/** As performance.now(), which no clock steps. Every start goes on by a day: the rig was off, nobody knows for how long. */
let tidiedAt = -dayMs

/** Made when it is first needed, and again after it could not be. */
function opened(): HistoryStore {
  if (store !== undefined) return store
  database = openDatabase(file, historyMigrations, ['samples'])
  // Who kills us loses nothing that was written; a power cut may lose the last minutes, and no more.
  database.exec('PRAGMA synchronous = NORMAL')
  store = createHistoryStore(database)
  return store
}

function write(plugins: number, nowMs: number): void {
  const news = parts
  parts = []
  // Some of them went to a thread that ended meanwhile.
  if (news.length !== plugins) throw new Error(`${news.length} of ${plugins} plugins came`)
  opened().write(news, nowMs)
  const at = performance.now()
  if (at - tidiedAt < hourMs) return
  opened().tidy(nowMs, at - tidiedAt)
  tidiedAt = at
}

function answer(request: HistoryRequest): unknown {
  switch (request.ask) {
    case 'part':
      parts = [...parts, ...request.news]
      return undefined
    case 'load':
      return opened().load()
    case 'write':
      return write(request.plugins, request.nowMs)
    case 'list':
      return opened().list(request.query)
    case 'sum':
      return opened().sum(request.id, request.fromMs, request.toMs)
    case 'close':
      return database?.close()
  }
}

const sentence = (cause: unknown): string =>
  cause instanceof RigError
    ? cause.detail
    : `${file} cannot be used (${(cause as Error).message}); make room, or move it away`

parentPort?.on('message', (request: HistoryRequest) => {
  try {
    const value = answer(request)
    if ('number' in request) parentPort?.postMessage({ number: request.number, value } satisfies HistoryAnswer)
  } catch (cause) {
    if (!('number' in request)) throw cause
    parentPort?.postMessage({ number: request.number, failure: sentence(cause) } satisfies HistoryAnswer)
  }
})
