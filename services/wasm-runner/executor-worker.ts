import { once } from 'node:events'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { RigError } from '../../rpc/failure.ts'
import type { ExecutorData, Order, Report, ThreadRole } from './executor-messages.ts'
import { createLedger, openLedgerReader, type TickEntry } from './ledger.ts'
import { createPulse, openPulseReader } from './pulse.ts'

/** How often the counts are taken over when nobody asks for them, ms. */
const drainEveryMs = 100

/** The watchdog: guest code that was running at four looks in a row, 250 ms apart, has not returned for 1 s. */
const lookEveryMs = 250
const looks = 4
export const watchdogMs = lookEveryMs * looks

/** Why a thread ended. */
export interface WorkerEnd {
  /** The ticket whose code was running, if any was. */
  readonly executing: number | undefined
  readonly reason: string
}

export interface WorkerOptions {
  readonly role: ThreadRole
  /** The rig's shared memory directory. */
  readonly shmDir: string
  /** LEDs of the rim, 1..64. */
  readonly ledCount: number
  onReport(report: Report): void
  onTick(entry: TickEntry): void
  /** Ticks that were not counted because nobody took the counts over in time. */
  onDropped(ticks: number): void
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

/** Resolves when the thread is ready for orders. */
async function becomeReady(worker: Worker): Promise<void> {
  const [report] = (await once(worker, 'message')) as [Report]
  if (report.kind === 'unable') throw new RigError(report.code, report.detail)
}

/** Looks at the thread now and then, until it is told to stop. */
function watch(every: readonly (readonly [number, () => void])[]): () => void {
  const timers = every.map(([ms, look]) => setInterval(look, ms))
  return () => timers.forEach(clearInterval)
}

/** Starts a thread; resolves when it is ready. Rejects with SHARED_MEMORY_INVALID or PERMISSION_DENIED. */
export async function startExecutorWorker(options: WorkerOptions): Promise<ExecutorWorker> {
  const data: ExecutorData = {
    role: options.role,
    shmDir: options.shmDir,
    ledCount: options.ledCount,
    pulse: createPulse(),
    ledger: createLedger(),
  }
  const pulse = openPulseReader(data.pulse)
  const ledger = openLedgerReader(data.ledger)
  // The built package has .js files, the checkout .ts.
  const entry = new URL(`./executor-thread${extname(import.meta.url)}`, import.meta.url)
  const worker = new Worker(entry, { workerData: data })
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
  await becomeReady(worker)

  let end: WorkerEnd | undefined
  const terminate = async (reason: string, executing: number | undefined): Promise<void> => {
    end ??= { reason, executing }
    await worker.terminate()
  }
  const drain = (): void => {
    ledger.drain(options.onTick)
    const dropped = ledger.takeDropped()
    if (dropped > 0) options.onDropped(dropped)
  }
  const look = (): void => {
    const stuck = pulse.stuckSince(looks)
    if (stuck !== undefined) void terminate(`it did not return within ${watchdogMs} ms`, stuck)
  }
  const stopWatching = watch([
    [drainEveryMs, drain],
    [lookEveryMs, look],
  ])
  worker.on('message', options.onReport)
  worker.on('error', (cause) => {
    end ??= { reason: `the executor failed: ${(cause as Error).message}`, executing: pulse.executing() }
  })
  const finish = async (): Promise<WorkerEnd> => {
    await exited
    stopWatching()
    drain()
    return end ?? { reason: 'the executor ended', executing: pulse.executing() }
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
