import { frameSlotBytes, frameSlot as layout } from '../gen/layout.ts'
import type { Home } from '../rpc/home.ts'
import { openInputRing } from '../shm/slots.ts'

/** How far ahead frames are written, ms: a pause of the producer that is shorter than this leaves no gap. */
const aheadMs = 60
const everyMs = 5

/** Feeds the loop of a rig, 1000 frames a second, each due at its time. It needs nobody but the loop. */
export interface ForceProducer extends Disposable {
  close(): void
}

/** `torqueNm`: the torque at a time, s. */
export function produceForce(home: Home, torqueNm: (seconds: number) => number): ForceProducer {
  const ring = openInputRing(home)
  const slot = Buffer.alloc(frameSlotBytes)
  let dueNs = process.hrtime.bigint()
  const timer = setInterval(() => {
    const now = process.hrtime.bigint()
    if (dueNs < now) dueNs = now
    for (; dueNs < now + BigInt(aheadMs) * 1_000_000n; dueNs += 1_000_000n) {
      slot.writeBigUInt64LE(dueNs, layout.timestamp_ns.offset)
      slot.writeFloatLE(torqueNm(Number(dueNs) / 1e9), layout.ffb_in.offset)
      if (ring.push(slot) === 0) return
    }
  }, everyMs)
  const close = (): void => {
    clearInterval(timer)
    ring.close()
  }
  return { close, [Symbol.dispose]: close }
}
