import { RigError } from '../../rpc/failure.ts'
import type { CallHearing } from './call-hearing.ts'
import type { AskedOrder, CallOutcome, CallTarget, CallWish } from './call-messages.ts'
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
  readonly hearing: CallHearing
}

/** What a lane knows a plugin by. */
export type LaneTarget = Pick<CallTarget, 'ticket' | 'idWords'>

/** Calls one after the other on one thread, and on the next one when that had to be ended. */
export interface Lane {
  /**
   * Rejects with REQUEST_INVALID for what the plugin cannot be asked for, with SERVICE_UNAVAILABLE when too many wait or
   * nobody waits. What the plugin does wrong is in the outcome: one that outlives its deadline is a timeout, and its thread,
   * with every instance on it, is gone.
   */
  call(call: LaneCall): Promise<CallOutcome>
  /** Ends a plugin's instance, after the calls that wait. */
  forget(target: LaneTarget, hearing: CallHearing, deadlineMs: number): Promise<void>
  /** Ends the thread; calls that wait are refused. May be called twice. */
  close(): Promise<void>
}

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
  let waiting = 0

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

  async function callNow({ target, wish, deadlineMs, signal, hearing }: LaneCall): Promise<CallOutcome> {
    if (signal.aborted) throw new RigError('SERVICE_UNAVAILABLE', 'whoever asked for the call went away')
    if (closed.signal.aborted) throw closing()
    try {
      const order = { kind: 'call', target, wish, allowedMs: deadlineMs } as const
      const answer = await askWithin(order, target.idWords, deadlineMs, hearing)
      if (answer === undefined) return lost({ kind: 'timeout', detail: `it did not return within ${deadlineMs} ms` })
      if (answer.kind === 'done') return answer.outcome
      if (answer.kind === 'refused') throw new RigError(answer.code, answer.detail)
      throw new Error(`a call was answered with ${answer.kind}`)
    } catch (cause) {
      if (cause instanceof RigError || worker === undefined || !worker.isGone()) throw cause
      return lost(endOf(cause as NodeJS.ErrnoException))
    }
  }

  return {
    async call(call) {
      if (waiting >= waitingMax)
        throw new RigError('SERVICE_UNAVAILABLE', `${waiting} calls wait already; ask again later`)
      waiting++
      try {
        return await queue.act(() => callNow(call))
      } finally {
        waiting--
      }
    },
    forget: ({ ticket, idWords }, hearing, deadlineMs) =>
      queue.act(async () => {
        // Without a thread there is no instance.
        if (worker === undefined || worker.isGone()) return
        const order = { kind: 'forget', ticket, allowedMs: deadlineMs } as const
        await askWithin(order, idWords, deadlineMs, hearing).catch(() => undefined)
      }),
    async close() {
      closed.abort()
      await worker?.close()
      await queue.idle()
    },
  }
}
