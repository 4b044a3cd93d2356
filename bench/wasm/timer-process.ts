// A process that wakes up at the rate of plugins and has none: what the machine makes of the best of intentions.

import { answerEach } from './child.ts'
import { rateHz } from './rate.ts'
import { createTickCounter } from './tick-count.ts'

const never = new Int32Array(new SharedArrayBuffer(4))

/** Sleeps as the executor does, on a futex. */
function measure(ms: number): object {
  const counter = createTickCounter(rateHz)
  const periodMs = 1000 / rateHz
  const beganMs = performance.now()
  let tick = 0
  while (performance.now() - beganMs < ms) {
    Atomics.wait(never, 0, 0, Math.max(0, beganMs + (tick + 1) * periodMs - performance.now()))
    const newest = Math.max(tick + 1, Math.floor((performance.now() - beganMs) / periodMs))
    counter.tick((performance.now() - beganMs - newest * periodMs) * 1e6, newest - tick - 1)
    tick = newest
  }
  return counter.snapshot()
}

answerEach(async (asked) => {
  const question = asked as { readonly kind: string; readonly ms: number }
  return question.kind === 'measure' ? measure(question.ms) : {}
})
