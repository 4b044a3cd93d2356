import { once } from 'node:events'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { RigError } from '../../rpc/failure.ts'
import { openCallRecord } from './call-record.ts'
import type { ExecutorData, Order, Report, ThreadRole } from './executor-messages.ts'
import { createLedger, openLedgerReader, type TickEntry } from './ledger.ts'
import { createPulse, openPulseReader } from './pulse.ts'
import { coreWaitMs } from './run-queue.ts'
import { isOutOfHeap, threadHeapMiB } from './thread-heap.ts'
import type { Violation } from './violation.ts'

/** How often the counts are taken over when nobody asks for them, ms. */
const drainEveryMs = 100

/**
 * The watchdog: a call that has not returned for 1 s, not counting the time in which its thread had no core, looked at
 * every 250 ms.
 */
const lookEveryMs = 250
export const watchdogMs = 1000

/** Why a thread ended. */
export interface WorkerEnd {
  /** The ticket whose code was running, if any was. */
  readonly executing: number | undefined
  /** What whose code was running is charged with. */
  readonly charge: Violation['kind']
  readonly reason: string
}

/** The rig that a thread is started for. */
export interface ThreadOptions {
  /** The rig's shared memory directory. */
  readonly shmDir: string
  /** LEDs of the rim, 1..64. */
  readonly ledCount: number
  /** Units of fuel a µs, in place of what each thread measures: for tests of what happens where there is too much. */
  readonly unitsPerUs?: number
  /** Loops are not interrupted: for tests of what happens where they cannot be. */
  readonly unguarded?: boolean
  /** In place of the standard: for tests of a heap that is full. */
  readonly heapMiB?: number
}

export interface Assignment {
  readonly role: ThreadRole
  onReport(report: Report): void
  onTick(entry: TickEntry): void
  /** Ticks that were not counted because nobody took the counts over in time. */
  onDropped(ticks: number): void
}

/** A thread that has started, measured its machine, and waits. */
export interface SpareWorker {
  /** Loops on it are interrupted; else fuel and the watchdog end them. */
  readonly guarded: boolean
  /** Resolves when it takes plugins; once. Rejects with SHARED_MEMORY_INVALID or PERMISSION_DENIED, or when it is gone. */
  assign(assignment: Assignment): Promise<ExecutorWorker>
  /** Ends it, whatever it does. May be called twice. */
  close(): Promise<void>
}

/** One thread of the executor. It is not started again: who has it starts another one. */
export interface ExecutorWorker {
  send(order: Order): void
  /** Takes over what the thread has counted so far. */
  drain(): void
  /** Resolves once the thread is gone and its last counts were taken over. The first reason is the one reported. */
  readonly ended: Promise<WorkerEnd>
  /** Ends it, whatever it does. May be called twice. */
  close(): Promise<void>
}

/** What a thread ended of by itself. */
const endOf = (cause: Error, heapMiB: number): Pick<WorkerEnd, 'reason' | 'charge'> =>
  isOutOfHeap(cause)
    ? { reason: `the objects of all plugins had more than ${heapMiB} MiB while it ran`, charge: 'memory' }
    : { reason: `the executor failed: ${cause.message}`, charge: 'crash' }

/** Resolves with the thread's next report, or rejects when there will be none. */
async function nextReport(worker: Worker, exited: Promise<void>): Promise<Report> {
  const waiting = new AbortController()
  const { signal } = waiting
  const gone = exited.then(() => {
    throw new Error('the executor ended before it was ready')
  })
  gone.catch(() => {}) // it ends one day, and nobody waits here then
  try {
    const [report] = (await Promise.race([once(worker, 'message', { signal }), gone])) as [Report]
    return report
  } finally {
    waiting.abort()
  }
}

/** Looks at the thread now and then, until it is told to stop. */
function watch(every: readonly (readonly [number, () => void])[]): () => void {
  const timers = every.map(([ms, look]) => setInterval(look, ms))
  return () => timers.forEach(clearInterval)
}

/** Starts a thread; resolves when it is warm. Rejects, and the thread is gone, when it is not needed any more. */
export async function startWorker(
  { shmDir, ledCount, unitsPerUs, unguarded = false, heapMiB = threadHeapMiB }: ThreadOptions,
  unneeded: AbortSignal,
): Promise<SpareWorker> {
  const record = openCallRecord(shmDir)
  const place = record.claim()
  const data: ExecutorData = {
    ...{ shmDir, ledCount, unitsPerUs, unguarded, place },
    ...{ pulse: createPulse(), ledger: createLedger() },
  }
  // The built package has .js files, the checkout .ts.
  const entry = new URL(`./executor-thread${extname(import.meta.url)}`, import.meta.url)
  const worker = new Worker(entry, { workerData: data, resourceLimits: { maxOldGenerationSizeMb: heapMiB } })
  const exited = new Promise<void>((resolve) =>
    worker.once('exit', () => {
      record.release(place)
      resolve()
    }),
  )
  worker.on('error', () => {}) // an exit follows, and whoever has the thread is told of that
  const end = async (): Promise<void> => void (await worker.terminate())
  const abandon = (): void => void end()
  unneeded.addEventListener('abort', abandon)
  const warm = await nextReport(worker, exited)
  const thread = warm.kind === 'warm' ? warm.thread : ''
  unneeded.removeEventListener('abort', abandon)

  return {
    guarded: warm.kind === 'warm' && warm.guarded,
    async assign(assignment) {
      const pulse = openPulseReader(data.pulse)
      worker.postMessage({ kind: 'assign', role: assignment.role } satisfies Order)
      pulse.ring()
      const report = await nextReport(worker, exited)
      if (report.kind === 'unable') {
        await end()
        throw new RigError(report.code, report.detail)
      }
      return watchWorker({ worker, thread, heapMiB, exited, ...data }, assignment)
    },
    close: end,
  }
}

interface Watched extends Pick<ExecutorData, 'pulse' | 'ledger'> {
  readonly worker: Worker
  /** Its name for run-queue.ts. */
  readonly thread: string
  readonly heapMiB: number
  readonly exited: Promise<void>
}

/** The thread once it is ready. */
function watchWorker({ worker, thread, heapMiB, exited, ...data }: Watched, options: Assignment): ExecutorWorker {
  const pulse = openPulseReader(data.pulse)
  const ledger = openLedgerReader(data.ledger)
  let end: WorkerEnd | undefined
  const terminate = async (reason: string, executing: number | undefined): Promise<void> => {
    end ??= { reason, executing, charge: 'timeout' }
    await worker.terminate()
  }
  const drain = (): void => {
    ledger.drain(options.onTick)
    const dropped = ledger.takeDropped()
    if (dropped > 0) options.onDropped(dropped)
  }
  let waitedMs = coreWaitMs(thread)
  const look = (): void => {
    const beforeMs = waitedMs
    waitedMs = coreWaitMs(thread)
    const stuck = pulse.stuckFor(watchdogMs, Math.max(0, lookEveryMs - (waitedMs - beforeMs)))
    if (stuck !== undefined) void terminate(`it did not return within ${watchdogMs} ms`, stuck)
  }
  const stopWatching = watch([
    [drainEveryMs, drain],
    [lookEveryMs, look],
  ])
  worker.on('message', options.onReport)
  worker.on('error', (cause) => {
    end ??= { ...endOf(cause, heapMiB), executing: pulse.executing() }
  })
  const finish = async (): Promise<WorkerEnd> => {
    await exited
    stopWatching()
    drain()
    return end ?? { reason: 'the executor ended', executing: pulse.executing(), charge: 'crash' }
  }
  const ended = finish()
  return {
    send(order) {
      worker.postMessage(order)
      pulse.ring()
    },
    drain,
    ended,
    async close() {
      await terminate('it was closed', undefined)
      await ended
    },
  }
}
