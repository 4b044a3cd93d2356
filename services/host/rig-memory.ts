import type { Logger } from 'pino'
import { frameSlotBytes } from '../../gen/layout.ts'
import type { Home } from '../../rpc/home.ts'
import type { RingWriter } from '../../shm/ring.ts'
import { openInputRing, openTelemetrySlot } from '../../shm/slots.ts'

/** What the hub writes for the data plane and the plugins. */
export interface RigMemory {
  /** Makes these 256 bytes the newest telemetry frame. */
  publishTelemetry(frame: Uint8Array): void
  /** Hands slots to the loop; returns how many there was no room for. */
  pushInput(slots: Uint8Array): number
  /** Opens the input ring anew: a data plane that was taken down and is back has another one. */
  reopenInput(): void
  /** May be called twice. */
  close(): void
}

/** Opens, or creates, the telemetry slot and the input ring of a rig. Throws SHARED_MEMORY_INVALID. */
export function openRigMemory(home: Home, log: Logger): RigMemory {
  const telemetry = openTelemetrySlot(home)
  let input: RingWriter = openInputRing(home)
  let broken = false

  function reopenInput(): void {
    const next = openInputRing(home)
    input.close()
    input = next
    broken = false
  }

  function push(slots: Uint8Array): number {
    try {
      return broken ? 0 : input.push(slots)
    } catch (cause) {
      // The loop wrote a counter that cannot be. Telemetry and plugins go on; the next loop brings the force back.
      log.error({ err: cause }, 'the input ring is corrupt; no force reaches the loop until it is started again')
      broken = true
      return 0
    }
  }

  return {
    publishTelemetry: telemetry.publish,
    pushInput: (slots) => slots.length / frameSlotBytes - push(slots),
    reopenInput,
    close() {
      telemetry.close()
      input.close()
    },
  }
}
