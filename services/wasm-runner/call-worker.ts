import { extname } from 'node:path'
import { type TransferListItem, Worker } from 'node:worker_threads'
import type { CallOrder, CallReport } from './call-messages.ts'
import type { GuestLogLevel } from './guest-log.ts'

type CallLine = Extract<CallReport, { kind: 'line' }>
export type CallAnswer = Exclude<CallReport, CallLine>

/** Heap of a thread, MiB: what a plugin with a garbage collector keeps is there, and not in its memory. */
export const callHeapMiB = 512

/** A thread that calls plugins. It is not started again: who has it starts another one. */
export interface CallWorker {
  /**
   * Resolves with the answer to an order; one at a time. Lines that come meanwhile are given away at once, so that they
   * outlive the thread. Rejects when the thread is gone. Input bytes of the order are the thread's from then on.
   */
  ask(order: CallOrder, onLine: (level: GuestLogLevel, text: string) => void): Promise<CallAnswer>
  readonly isGone: () => boolean
  /** Ends it, whatever it does. May be called twice. */
  close(): Promise<void>
}

const transferOf = (order: CallOrder): TransferListItem[] =>
  order.kind === 'call' && order.wish.kind === 'process' && order.wish.request.input.length > 0
    ? [order.wish.request.input.buffer as ArrayBuffer]
    : []

/** Resolves when the thread is warm. Rejects, and the thread is gone, when it is not needed any more. */
export async function startCallWorker(unneeded: AbortSignal): Promise<CallWorker> {
  // The built package has .js files, the checkout .ts.
  const entry = new URL(`./call-thread${extname(import.meta.url)}`, import.meta.url)
  const worker = new Worker(entry, { resourceLimits: { maxOldGenerationSizeMb: callHeapMiB } })
  let gone: Error | undefined
  let waiting: PromiseWithResolvers<CallAnswer> | undefined
  let onLine: (level: GuestLogLevel, text: string) => void = () => {}

  const next = (): Promise<CallAnswer> => {
    waiting = Promise.withResolvers()
    if (gone !== undefined) waiting.reject(gone)
    return waiting.promise
  }
  const end = (cause: Error): void => {
    gone ??= cause
    waiting?.reject(gone)
  }
  worker.on('message', (report: CallReport) => {
    if (report.kind === 'line') onLine(report.level, report.text)
    else waiting?.resolve(report)
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
    async ask(order, lines) {
      onLine = lines
      const answer = next()
      worker.postMessage(order, transferOf(order))
      return answer
    },
    isGone: () => gone !== undefined,
    close,
  }
}
