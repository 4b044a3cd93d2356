// Feeds the loop of a rig with a sine of torque, in place of the hub: see README.md beside this file.
import { setTimeout as delay } from 'node:timers/promises'
import { frameSlotBytes, frameSlot as layout } from '../gen/layout.ts'
import { endWith } from '../rpc/ending.ts'
import { findHome } from '../rpc/home.ts'
import type { RingWriter } from '../shm/ring.ts'
import { openInputRing } from '../shm/slots.ts'

const amplitudeNm = 2
const frequencyHz = 1
const periodNs = 1_000_000n // one slot for each tick of the loop
const aheadNs = 60_000_000n // the loop refuses what is due in more than 100 ms; pauses of ours up to this leave no gap
const batchEveryMs = 10

function openRing(): RingWriter {
  try {
    return openInputRing(findHome(process.env))
  } catch (cause) {
    return endWith('producer', cause) // one sentence: RING_IN_USE while somebody else feeds the loop
  }
}

const ring = openRing()
const ended = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ended.abort())

/** The FrameSlots that are due from `fromNs` until `untilNs`: torque in N·m, right positive, and CLOCK_MONOTONIC. */
function batch(fromNs: bigint, untilNs: bigint): Buffer {
  const slots = Buffer.alloc(Number((untilNs - fromNs + periodNs - 1n) / periodNs) * frameSlotBytes)
  for (let at = 0, dueNs = fromNs; at < slots.length; at += frameSlotBytes, dueNs += periodNs) {
    const torqueNm = amplitudeNm * Math.sin(2 * Math.PI * frequencyHz * (Number(dueNs) / 1e9))
    slots.writeFloatLE(torqueNm, at + layout.ffb_in.offset)
    slots.writeBigUInt64LE(dueNs, at + layout.timestamp_ns.offset)
  }
  return slots
}

let dueNs = process.hrtime.bigint()
while (!ended.signal.aborted) {
  const nowNs = process.hrtime.bigint()
  if (dueNs < nowNs) dueNs = nowNs // we were away: what is over is over
  const slots = batch(dueNs, nowNs + aheadNs)
  // A full ring takes fewer: no loop runs, and what is left is made anew next time.
  if (slots.length > 0) dueNs += BigInt(ring.push(slots)) * periodNs
  await delay(batchEveryMs, undefined, { signal: ended.signal }).catch(() => undefined)
}
ring.close() // the loop fades torque out 100 ms after the last slot
