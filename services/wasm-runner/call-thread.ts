// A thread that calls plugins, one at a time. It is ended from outside, with worker.terminate().

import { parentPort } from 'node:worker_threads'
import { RigError } from '../../rpc/failure.ts'
import { threadCpuNanoseconds } from '../../shm/clock.ts'
import type { CallOrder, CallReport } from './call-messages.ts'
import { createCaller } from './caller.ts'

const port = parentPort!
const tell = (report: CallReport, ...transfer: ArrayBuffer[]): void => port.postMessage(report, transfer)

const caller = createCaller({
  now: () => performance.now(),
  cpuNs: threadCpuNanoseconds,
  line: (level, text) => tell({ kind: 'line', level, text }),
})

function obey(order: CallOrder): void {
  if (order.kind === 'forget') {
    caller.forget(order.ticket)
    tell({ kind: 'forgotten' })
    return
  }
  try {
    const outcome = caller.call(order.target, order.wish)
    // What is empty may be one constant for all: that is not given away.
    if (outcome.output.length === 0) tell({ kind: 'done', outcome })
    else tell({ kind: 'done', outcome }, outcome.output.buffer)
  } catch (cause) {
    if (!(cause instanceof RigError)) throw cause
    tell({ kind: 'refused', code: cause.code, detail: cause.detail })
  }
}

port.on('message', obey)
tell({ kind: 'warm' })
