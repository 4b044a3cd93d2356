import { extname } from 'node:path'
import { type TransferListItem, Worker } from 'node:worker_threads'
import type { CallHearing } from './call-hearing.ts'
import type { AskedOrder, CallGrants, CallOrder, CallReport, CallThreadData } from './call-messages.ts'
import { cutCalls } from './guard.ts'
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
  /**
   * Ends the order that is under way as if its code had outlived its time: the thread, and what others have there, stays where
   * that does it. Else, after `graceMs`, the thread is ended.
   */
  interrupt(graceMs: number): void
  /** What a plugin may use from now on, in the middle of a call as well. */
  adjust(ticket: number, grants: CallGrants): void
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
  const data: CallThreadData = { bell: new SharedArrayBuffer(8), unguarded }
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
  const ring = (): void => {
    Atomics.add(bell, 0, 1)
    Atomics.notify(bell, 0)
  }
  const tell = (order: CallOrder): void => {
    worker.postMessage(order)
    ring()
  }
  const bring = (news: NetworkNews): void => tell({ kind: 'network', news })
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
  const warm = await next()
  unneeded.removeEventListener('abort', abandon)
  const guard = warm.kind === 'warm' ? warm.guard : 0

  let giveUp: NodeJS.Timeout | undefined
  const cut = (wanted: boolean): void => {
    Atomics.store(bell, 1, wanted ? 1 : 0)
    if (guard !== 0) cutCalls(guard, wanted)
  }
  /** The order is over: the next one is not to end with it. */
  const mend = (): void => {
    if (giveUp !== undefined) cut(false)
    clearTimeout(giveUp)
    giveUp = undefined
  }

  return {
    async ask(order, hears) {
      hearing = hears
      const answer = next()
      worker.postMessage(order, transferOf(order))
      return answer.finally(mend)
    },
    interrupt(graceMs) {
      if (gone !== undefined || giveUp !== undefined) return
      giveUp = setTimeout(() => void close(), guard === 0 ? 0 : graceMs)
      cut(true)
      ring()
    },
    adjust: (ticket, grants) => tell({ kind: 'grants', ticket, ...grants }),
    isGone: () => gone !== undefined,
    close,
  }
}
