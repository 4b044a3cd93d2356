// The executor's thread. It is ended from outside, with worker.terminate().

import { setImmediate } from 'node:timers/promises'
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { RigError } from '../../rpc/failure.ts'
import { threadCpuNanoseconds } from '../../shm/clock.ts'
import { openLedSlot, openScalarSlot, openTelemetrySlot } from '../../shm/slots.ts'
import { openCallMark } from './call-record.ts'
import { createCpuClock } from './cpu-clock.ts'
import { createExecutor, type Executor } from './executor.ts'
import type { ExecutorData, Order, Report, ThreadRole } from './executor-messages.ts'
import { noGuard, openGuard } from './guard.ts'
import { openLedgerWriter } from './ledger.ts'
import { openPulseWriter } from './pulse.ts'
import type { AnswerSlots, Slots } from './rig-outputs.ts'
import { thisThread } from './run-queue.ts'
import { openSuspectSlots } from './suspects.ts'
import { measureMachine } from './yardstick.ts'

const data = workerData as ExecutorData
const port = parentPort!
const pulse = openPulseWriter(data.pulse, openCallMark(data.shmDir, data.place))
const tell = (report: Report): void => port.postMessage(report)

/** Longest sleep, ms. The bell wakes the thread for orders, so this bounds nothing but the arithmetic. */
const sleepMsMax = 1000
/** How often the event loop gets a turn, ms: V8 leaves some of its garbage collection to it. */
const turnEveryMs = 1000

const openRigSlots = (): AnswerSlots => ({ leds: openLedSlot(data), scalar: openScalarSlot(data) })

function openSlots(role: ThreadRole): Slots | undefined {
  try {
    const telemetry = openTelemetrySlot(data)
    const suspects = openSuspectSlots(data.shmDir)
    return role === 'common'
      ? { telemetry, ...openRigSlots(), suspects }
      : { telemetry, ...suspects, suspects: undefined }
  } catch (cause) {
    if (!(cause instanceof RigError)) throw cause
    tell({ kind: 'unable', code: cause.code, detail: cause.detail })
    return undefined
  }
}

const unitsPerUs = data.unitsPerUs ?? (await measureMachine(threadCpuNanoseconds))
const guard = data.unguarded ? undefined : openGuard()
let executor: Executor | undefined

/**
 * From here on the thread has its plugins. Not before: a cell of the rig has one writer, which counts what it published
 * from what it found, and while this thread is a spare another one is the writer.
 */
function assume(role: ThreadRole): void {
  const slots = openSlots(role)
  if (slots === undefined) return
  executor = createExecutor({
    slots,
    ledCount: data.ledCount,
    pulse,
    record: openLedgerWriter(data.ledger),
    tell,
    guard: guard ?? noGuard,
    unitsPerUs,
    now: () => performance.now(),
    monotonicNs: () => process.hrtime.bigint(),
    cpuNs: createCpuClock({ exactNs: threadCpuNanoseconds, nowMs: () => performance.now() }),
  })
  tell({ kind: 'ready' })
}

/** When something is due, ms; what is obeyed meanwhile may be due sooner, and is soon enough. */
let dueAtMs = Infinity

function sweepIfDue(): void {
  if (executor !== undefined && performance.now() >= dueAtMs) dueAtMs = executor.sweep()
}

/** A thread that takes over has all plugins to start: those that are there already tick meanwhile. */
function obeyAll(): void {
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
    const order = next.message as Order
    if (order.kind === 'assign') assume(order.role)
    else executor?.obey(order)
    sweepIfDue()
  }
}

/**
 * Sleeps on a futex between ticks, and not in the event loop. At 200 Hz for 5 s on the 2-core development machine a
 * tick was late by 0.10 ms (median) and 0.15 ms (p99) with the futex, by 0.61 ms and 1.1 ms with setTimeout, for half
 * the CPU time; with three busy processes beside it by 0.07 and 0.10..0.96 ms against 0.57 and 1.1..2.6 ms. Both held
 * 199 Hz or more.
 */
async function run(): Promise<never> {
  let turnAtMs = performance.now() + turnEveryMs
  for (;;) {
    const heard = pulse.heard()
    obeyAll()
    if (executor !== undefined) dueAtMs = executor.sweep()
    const waitMs = dueAtMs - performance.now()
    if (performance.now() >= turnAtMs) {
      await setImmediate()
      turnAtMs = performance.now() + turnEveryMs
    } else if (waitMs > 0) pulse.sleep(heard, Math.min(waitMs, sleepMsMax))
  }
}

tell({ kind: 'warm', thread: thisThread(), guarded: guard !== undefined })
await run()
