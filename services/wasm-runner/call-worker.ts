import { extname } from 'node:path'
import { type TransferListItem, Worker } from 'node:worker_threads'
import type { CallHearing } from './call-hearing.ts'
import type { AskedOrder, CallOrder, CallReport, CallThreadData } from './call-messages.ts'
import type { NetworkNews } from './network-words.ts'
import { threadHeapMiB } from './thread-heap.ts'

/** What comes meanwhile. */
type CallSound = Extract<CallReport, { kind: 'line' | 'violated' | 'network' }>
export type CallAnswer = Exclude<CallReport, CallSound>

/** A thread that calls plugins. It is not started again: who has it starts another one. */
export interface CallWorker {
  /**
   * Resolves with the answer to an order; one at a time. What is heard meanwhile is given away at once, so that it
   * outlives the thread. Rejects when the thread is gone. Input bytes of the order are the thread's from then on.
   */
  ask(order: AskedOrder, hearing: CallHearing): Promise<CallAnswer>
  readonly isGone: () => boolean
  /** Ends it, whatever it does. May be called twice. */
  close(): Promise<void>
}

const transferOf = (order: AskedOrder): TransferListItem[] =>
  order.kind === 'call' && order.wish.kind === 'process' && order.wish.request.input.length > 0
    ? [order.wish.request.input.buffer as ArrayBuffer]
    : []

/** Resolves when the thread is warm. Rejects, and the thread is gone, when it is not needed any more. */
export async function startCallWorker(unneeded: AbortSignal, unguarded = false): Promise<CallWorker> {
  // The built package has .js files, the checkout .ts.
  const data: CallThreadData = { bell: new SharedArrayBuffer(4), unguarded }
  const bell = new Int32Array(data.bell)
  const entry = new URL(`./call-thread${extname(import.meta.url)}`, import.meta.url)
  const worker = new Worker(entry, { workerData: data, resourceLimits: { maxOldGenerationSizeMb: threadHeapMiB } })
  let gone: Error | undefined
  let waiting: PromiseWithResolvers<CallAnswer> | undefined
  let hearing: CallHearing | undefined

  const next = (): Promise<CallAnswer> => {
    waiting = Promise.withResolvers()
    if (gone !== undefined) waiting.reject(gone)
    return waiting.promise
  }
  const end = (cause: Error): void => {
    gone ??= cause
    waiting?.reject(gone)
  }
  /** It may be asleep in the middle of a call, and hears the bell then. */
  const bring = (news: NetworkNews): void => {
    worker.postMessage({ kind: 'network', news } satisfies CallOrder)
    Atomics.add(bell, 0, 1)
    Atomics.notify(bell, 0)
  }
  worker.on('message', (report: CallReport) => {
    switch (report.kind) {
      case 'line':
        hearing?.onLine(report.level, report.text)
        break
      case 'violated':
        hearing?.onViolation(report.violation)
        break
      case 'network':
        hearing?.onNetwork(report.word, bring)
        break
      case 'warm':
      case 'done':
      case 'refused':
      case 'forgotten':
        waiting?.resolve(report)
    }
  })
  worker.on('error', end)
  worker.once('exit', () => end(new Error('the thread ended')))
  const close = async (): Promise<void> => void (await worker.terminate())

  const abandon = (): void => void close()
  unneeded.addEventListener('abort', abandon)
  if (unneeded.aborted) abandon()
  await next()
  unneeded.removeEventListener('abort', abandon)

  return {
    async ask(order, hears) {
      hearing = hears
      const answer = next()
      worker.postMessage(order, transferOf(order))
      return answer
    },
    isGone: () => gone !== undefined,
    close,
  }
}
