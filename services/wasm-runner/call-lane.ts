import { RigError } from '../../rpc/failure.ts'
import type { CallHearing } from './call-hearing.ts'
import type { AskedOrder, CallGrants, CallOutcome, CallTarget, CallWish } from './call-messages.ts'
import type { CallMark, IdWords } from './call-record.ts'
import type { CallWorker } from './call-worker.ts'
import { createQueue } from './queue.ts'
import { undescribed } from './self-description.ts'
import type { Spare } from './spare.ts'
import { isOutOfHeap, threadHeapMiB } from './thread-heap.ts'
import type { Violation } from './violation.ts'

/** Calls that may wait for one lane. Each takes what its fuel allows, a fraction of a second. */
const waitingMax = 32

/** A call, and who asks for it. */
export interface LaneCall {
  readonly target: CallTarget
  readonly wish: CallWish
  /** Longest that it may take once it has begun, ms of any time. */
  readonly deadlineMs: number
  /** Nobody waits for it any more: one that has not begun is not made. */
  readonly signal: AbortSignal
  /** The plugin is unloaded. */
  readonly gone: AbortSignal
  readonly hearing: CallHearing
}

/** What a lane knows a plugin by. */
export type LaneTarget = Pick<CallTarget, 'ticket' | 'idWords'>

/** Calls one after the other on one thread, and on the next one when that had to be ended. */
export interface Lane {
  /**
   * Rejects with REQUEST_INVALID for what the plugin cannot be asked for, with SERVICE_UNAVAILABLE when too many wait or
   * nobody waits, with PLUGIN_UNKNOWN when the plugin was unloaded before its turn came, and with PLUGIN_FAILED when that was
   * while it ran: then it is interrupted. What the plugin does wrong is in the outcome: one that outlives its deadline is a timeout, and its thread,
   * with every instance on it, is gone.
   */
  call(call: LaneCall): Promise<CallOutcome>
  /**
   * Ends the instance of a plugin that is gone: its own call first, which is interrupted. Its code may clean up where nobody
   * waits for that. Resolves when none of its code runs any more.
   */
  drop(target: LaneTarget, hearing: CallHearing): Promise<void>
  /** What a plugin may use from now on: at once, at the next function of the host's that a call of it begins. */
  adjust(ticket: number, grants: CallGrants): void
  /** Ends a plugin's instance, after the calls that wait. */
  forget(target: LaneTarget, hearing: CallHearing, deadlineMs: number): Promise<void>
  /** Ends the thread; calls that wait are refused. May be called twice. */
  close(): Promise<void>
}

/** How long a call that is interrupted may take to notice, ms; then its thread is ended. It notices within a few. */
const noticeMs = 500
/** Longest that a plugin which is unloaded may clean up, ms. */
const cleanUpMs = 500

const unloadedBefore = (): RigError =>
  new RigError('PLUGIN_UNKNOWN', 'the plugin was unloaded before its turn came; load it again to call it')
const unloadedDuring = (): RigError =>
  new RigError(
    'PLUGIN_FAILED',
    'the plugin was unloaded while the call ran, which was interrupted; load it again to call it',
  )

const lost = (fault: Violation): CallOutcome => ({
  code: 0,
  output: new Uint8Array(0),
  described: undescribed,
  fault,
  fuelUsed: 0,
  cpuNs: 0,
  memoryBytes: 0,
})

/** What a thread ended of by itself. */
const endOf = (cause: Error): Violation =>
  isOutOfHeap(cause)
    ? { kind: 'memory', detail: `the objects of its thread had more than ${threadHeapMiB} MiB while it ran` }
    : { kind: 'crash', detail: `its thread ended while it ran: ${cause.message}` }

const closing = (): RigError => new RigError('SERVICE_UNAVAILABLE', 'the runner is closing; ask again')

/** `mark`: of the call record, which says whose code runs on this lane. */
export function openLane(spare: Pick<Spare<CallWorker>, 'take'>, mark: CallMark): Lane {
  const closed = new AbortController()
  let worker: CallWorker | undefined
  const queue = createQueue()
  const calls = new Set<LaneCall>()
  let running: { readonly call: LaneCall; readonly over: Promise<unknown> } | undefined

  const takeWorker = async (): Promise<CallWorker> => {
    if (worker === undefined || worker.isGone()) worker = await spare.take()
    if (!closed.signal.aborted) return worker
    await worker.close()
    throw closing()
  }

  /** Undefined when it took too long; rejects when the thread ended for another reason. */
  async function askWithin(order: AskedOrder, idWords: IdWords, deadlineMs: number, hearing: CallHearing) {
    const asked = await takeWorker()
    let late = false
    const timer = setTimeout(() => {
      late = true
      void asked.close()
    }, deadlineMs)
    mark.begin(idWords)
    try {
      return await asked.ask(order, hearing)
    } catch (cause) {
      if (late) return undefined
      throw closed.signal.aborted ? closing() : cause
    } finally {
      mark.end()
      clearTimeout(timer)
    }
  }

  async function outcomeOf({ target, wish, deadlineMs, gone, hearing }: LaneCall): Promise<CallOutcome> {
    const interrupt = (): void => worker?.interrupt(noticeMs)
    try {
      const order = { kind: 'call', target, wish, allowedMs: deadlineMs } as const
      gone.addEventListener('abort', interrupt)
      const answer = await askWithin(order, target.idWords, deadlineMs, hearing)
      if (answer === undefined) return lost({ kind: 'timeout', detail: `it did not return within ${deadlineMs} ms` })
      if (answer.kind === 'done') return answer.outcome
      if (answer.kind === 'refused') throw new RigError(answer.code, answer.detail)
      throw new Error(`a call was answered with ${answer.kind}`)
    } catch (cause) {
      if (cause instanceof RigError || worker === undefined || !worker.isGone()) throw cause
      return lost(endOf(cause as NodeJS.ErrnoException))
    } finally {
      gone.removeEventListener('abort', interrupt)
    }
  }

  async function callNow(call: LaneCall): Promise<CallOutcome> {
    if (call.signal.aborted) throw new RigError('SERVICE_UNAVAILABLE', 'whoever asked for the call went away')
    if (closed.signal.aborted) throw closing()
    await takeWorker()
    if (call.gone.aborted) throw unloadedBefore()
    const over = outcomeOf(call)
    running = { call, over: over.catch(() => undefined) }
    const outcome = await over.finally(() => {
      running = undefined
    })
    // Whatever it came to, it is what we did to it.
    if (call.gone.aborted) throw unloadedDuring()
    return outcome
  }

  /** In its turn; or at once, where it is refused before. */
  async function inTurn(call: LaneCall): Promise<CallOutcome> {
    const refused = Promise.withResolvers<never>()
    const refuse = (): void => {
      if (running?.call !== call) refused.reject(unloadedBefore())
    }
    call.gone.addEventListener('abort', refuse)
    try {
      return await Promise.race([queue.act(() => callNow(call)), refused.promise])
    } finally {
      call.gone.removeEventListener('abort', refuse)
    }
  }

  async function forgetNow({ ticket, idWords }: LaneTarget, hearing: CallHearing, allowedMs: number, kindly: boolean) {
    // Without a thread there is no instance.
    if (worker === undefined || worker.isGone()) return
    const order = { kind: 'forget', ticket, allowedMs, kindly } as const
    await askWithin(order, idWords, allowedMs, hearing).catch(() => undefined)
  }

  return {
    async call(call) {
      if (calls.size >= waitingMax)
        throw new RigError('SERVICE_UNAVAILABLE', `${calls.size} calls wait already; ask again later`)
      if (call.gone.aborted) throw unloadedBefore()
      calls.add(call)
      try {
        return await inTurn(call)
      } finally {
        calls.delete(call)
      }
    },
    async drop(target, hearing) {
      if (running?.call.target.ticket === target.ticket) await running.over
      const isBusy = [...calls].some((call) => call.target.ticket !== target.ticket)
      const dropped = queue.act(() => forgetNow(target, hearing, cleanUpMs, !isBusy))
      // Where the lane has others to call, the instance lies there until its turn comes, and nobody calls it.
      if (!isBusy) await dropped
    },
    adjust: (ticket, grants) => worker?.adjust(ticket, grants),
    forget: (target, hearing, deadlineMs) => queue.act(() => forgetNow(target, hearing, deadlineMs, true)),
    async close() {
      closed.abort()
      await worker?.close()
      await queue.idle()
    },
  }
}
