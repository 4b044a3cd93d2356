// A thread that calls plugins, one at a time. It is ended from outside, with worker.terminate().

import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { RigError } from '../../rpc/failure.ts'
import { threadCpuNanoseconds } from '../../shm/clock.ts'
import type { CallOrder, CallReport, CallThreadData } from './call-messages.ts'
import { createCaller } from './caller.ts'
import { noGuard, openGuard } from './guard.ts'

const { bell, unguarded } = workerData as CallThreadData
const rung = new Int32Array(bell)
const port = parentPort!
const guard = (unguarded ? undefined : openGuard()) ?? noGuard
let heard = 0
const tell = (report: CallReport, ...transfer: ArrayBuffer[]): void => port.postMessage(report, transfer)

const caller = createCaller({
  now: () => performance.now(),
  cpuNs: threadCpuNanoseconds,
  guard,
  line: (level, text) => tell({ kind: 'line', level, text }),
  violated: (violation) => tell({ kind: 'violated', violation }),
  network: (word) => tell({ kind: 'network', word }),
  listen,
  catchUp,
  isCut: () => Atomics.load(rung, 1) === 1,
})

/** Takes one message that is there; in the middle of a call there are none that are answered. */
function takeOne(): boolean {
  const next = receiveMessageOnPort(port)
  if (next !== undefined) obey(next.message as CallOrder)
  return next !== undefined
}

function listen(ms: number): void {
  const before = Atomics.load(rung, 0)
  if (takeOne()) return
  Atomics.wait(rung, 0, before, ms)
  takeOne()
}

function catchUp(): void {
  const now = Atomics.load(rung, 0)
  if (now === heard) return
  heard = now
  while (takeOne());
}

function obey(order: CallOrder): void {
  switch (order.kind) {
    case 'network':
      caller.hear(order.news)
      break
    case 'grants':
      caller.adjust(order.ticket, order)
      break
    case 'forget':
      caller.forget(order.ticket, order.allowedMs, order.kindly)
      tell({ kind: 'forgotten' })
      break
    case 'call':
      call(order)
  }
}

function call({ target, wish, allowedMs }: Extract<CallOrder, { kind: 'call' }>): void {
  try {
    const outcome = caller.call(target, wish, allowedMs)
    // What is empty may be one constant for all: that is not given away.
    if (outcome.output.length === 0) tell({ kind: 'done', outcome })
    else tell({ kind: 'done', outcome }, outcome.output.buffer)
  } catch (cause) {
    if (!(cause instanceof RigError)) throw cause
    tell({ kind: 'refused', code: cause.code, detail: cause.detail })
  }
}

port.on('message', obey)
tell({ kind: 'warm', guard: guard.number })
