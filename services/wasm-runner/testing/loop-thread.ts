// A thread whose guests loop and are interrupted, again and again, until it is ended itself.

import { setImmediate } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { Interruption, openGuard } from '../guard.ts'

const guard = openGuard()!
const module = new WebAssembly.Module(workerData as Uint8Array)
const { exports } = new WebAssembly.Instance(module, { env: { host: guard.whole(() => 0) } })
const loops = Object.values(exports) as (() => void)[]

function loopOn(): never {
  parentPort!.postMessage('looping')
  for (let round = 0; ; round++) {
    guard.allot(0)
    try {
      guard.run(loops[round % loops.length]!)
    } catch (cause) {
      if (!(cause instanceof Interruption)) throw cause
    }
  }
}

// Not while this module is evaluated: V8 has a fault of its own where that is terminated.
await setImmediate()
loopOn()
