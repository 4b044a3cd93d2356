import { ledFrameBytes, safeScalar, safeScalarBytes } from '../../gen/layout.ts'
import { openSuspectCells } from '../../shm/slots.ts'
import type { AnswerSlots } from './rig-outputs.ts'

/** A scalar that is older is no longer meant, ns; the loop's own bound. */
const freshNs = 250_000_000n

/** The cells on the way from the suspects' thread to the common one. */
export const openSuspectSlots = (shmDir: string): AnswerSlots => openSuspectCells({ shmDir })

/** What the suspects answer. A thread that hangs is soon not heard any more. `nowNs`: CLOCK_MONOTONIC. */
export function followSuspects(slots: AnswerSlots, nowNs: () => bigint) {
  const value = new Uint8Array(safeScalarBytes)
  const view = new DataView(value.buffer)
  const drawn = new Uint8Array(ledFrameBytes)
  let number = slots.leds.read(drawn) // what an earlier runner left is not shown again
  return {
    scalar(): number | undefined {
      if (slots.scalar.read(value) === 0n) return undefined
      const ageNs = nowNs() - view.getBigUint64(safeScalar.timestamp_ns.offset, true)
      return ageNs < freshNs ? view.getFloat32(safeScalar.ffb_scalar.offset, true) : undefined
    },
    /** A frame that was drawn since the last time this was asked. */
    leds(): Uint8Array | undefined {
      const newest = slots.leds.read(drawn)
      if (newest === 0n || newest === number) return undefined
      number = newest
      return drawn
    },
  }
}
