import { setImmediate as turn } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { RigError } from '../../rpc/failure.ts'
import type { CallCounts } from './call-counts.ts'
import type { KeptPlugin, PluginNews, Sample, SampleQuery } from './history-store.ts'
import type { HistoryAnswer, HistoryRequest } from './history-thread.ts'

/**
 * The history on the disk, written and read by a thread of its own: a thousand plugins take it a tenth of a second, and
 * the host goes on meanwhile. Each call rejects with SERVICE_UNAVAILABLE where the file, or the thread, is not to be had;
 * the next one tries again.
 */
export interface HistoryFile {
  load(): Promise<readonly KeptPlugin[]>
  /** All of it or nothing is in the file when this resolves or rejects, whoever is killed. One at a time. */
  write(news: readonly PluginNews[], nowMs: number): Promise<void>
  list(query: SampleQuery): Promise<readonly Sample[]>
  sum(id: string, fromMs: number, toMs: number): Promise<CallCounts>
  /** Closes the file and ends the thread. May be called twice. */
  close(): Promise<void>
}

/** How many plugins are handed to the thread at once: copying them takes a ms. */
const partPlugins = 50

type Asked = { readonly [Ask in HistoryRequest['ask']]: Omit<Extract<HistoryRequest, { ask: Ask }>, 'number'> }
type Answered = Exclude<HistoryRequest['ask'], 'part'>

interface Waiter {
  resolve(value: unknown): void
  reject(cause: Error): void
}

const unavailable = (sentence: string): RigError => new RigError('SERVICE_UNAVAILABLE', sentence)

/** Starts its thread with the first call. */
export function openHistoryFile(file: string): HistoryFile {
  const waiting = new Map<number, Waiter>()
  let thread: Worker | undefined
  let last = 0
  let closing: Promise<void> | undefined
  let closed = false

  function answered(answer: HistoryAnswer): void {
    const waiter = waiting.get(answer.number)
    waiting.delete(answer.number)
    if ('failure' in answer) waiter?.reject(unavailable(answer.failure))
    else waiter?.resolve(answer.value)
  }

  function lost(why: string): void {
    thread = undefined
    for (const { reject } of waiting.values()) reject(unavailable(`the thread that keeps the history ended (${why})`))
    waiting.clear()
  }

  function start(): Worker {
    if (closed) throw unavailable('the history is closed: the host is ending')
    const worker = new Worker(new URL('./history-thread.ts', import.meta.url), { workerData: file })
    worker.on('message', answered)
    worker.on('error', (cause) => lost(cause.message))
    return worker
  }

  async function ask(request: Asked[Answered]): Promise<unknown> {
    thread ??= start()
    const number = ++last
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    waiting.set(number, { resolve, reject })
    thread.postMessage({ ...request, number })
    return promise
  }

  async function write(news: readonly PluginNews[], nowMs: number): Promise<void> {
    for (let at = 0; at < news.length; at += partPlugins) {
      thread ??= start()
      thread.postMessage({ ask: 'part', news: news.slice(at, at + partPlugins) } satisfies HistoryRequest)
      await turn()
    }
    await ask({ ask: 'write', plugins: news.length, nowMs })
  }

  async function end(): Promise<void> {
    closed = true
    if (thread === undefined) return
    await ask({ ask: 'close' }).catch(() => undefined)
    await thread?.terminate()
    lost('it was asked to')
  }

  return {
    load: () => ask({ ask: 'load' }) as Promise<readonly KeptPlugin[]>,
    write,
    list: (query) => ask({ ask: 'list', query }) as Promise<readonly Sample[]>,
    sum: (id, fromMs, toMs) => ask({ ask: 'sum', id, fromMs, toMs }) as Promise<CallCounts>,
    close: () => (closing ??= end()),
  }
}
