// ring-writer.ts PATH BATCH MILLISECONDS: pushes batches into a ring of slots, as fast as it goes.
import { frameSlotBytes, ringSlots } from '../gen/layout.ts'
import { openRingWriter } from '../shm/ring.ts'

/** Pushes between two readings of the clock. */
const turns = 64
/** Pushes in vain after which the reader gets our core for a moment, in case it waits for one. */
const patience = 100
const napMs = 0.02

const [path, batch, milliseconds] = process.argv.slice(2)
if (path === undefined || !(Number(batch) > 0) || !(Number(milliseconds) > 0)) {
  throw new Error('usage: ring-writer.ts PATH BATCH MILLISECONDS')
}
const ring = openRingWriter(path, frameSlotBytes, ringSlots)
const slots = Buffer.alloc(Number(batch) * frameSlotBytes, 0x5a)
const nap = new Int32Array(new SharedArrayBuffer(4))
let inVain = 0
const end = performance.now() + Number(milliseconds)
while (performance.now() < end) {
  for (let turn = 0; turn < turns; turn++) {
    if (ring.push(slots) > 0) continue
    inVain += 1
    if (inVain % patience === 0) Atomics.wait(nap, 0, 0, napMs)
  }
}
ring.close()
