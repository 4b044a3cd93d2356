import type { Logger } from 'pino'
import { frameSlotBytes } from '../../gen/layout.ts'
import { RigError } from '../../rpc/failure.ts'
import type { Home } from '../../rpc/home.ts'
import type { RingWriter } from '../../shm/ring.ts'
import { openInputRing, openTelemetrySlot } from '../../shm/slots.ts'
import type { Config } from './config.ts'

/** What the hub writes for the data plane and the plugins. */
export interface RigMemory {
  /** Makes these 256 bytes the newest telemetry frame. */
  publishTelemetry(frame: Uint8Array): void
  /** Hands slots to the loop; returns how many it did not take. */
  pushInput(slots: Uint8Array): number
  /** Opens the input ring anew, when it is needed: a data plane that was taken down and is back has another one. */
  reopenInput(): void
  /** May be called twice. */
  close(): void
}

/**
 * Opens, or creates, the telemetry slot of a rig. The input ring, which has one writer, is opened with the first slots
 * for it, and only where `input` says that the hub feeds the loop. Throws SHARED_MEMORY_INVALID.
 */
export function openRigMemory(home: Home, input: Config['telemetry']['input'], log: Logger): RigMemory {
  const telemetry = openTelemetrySlot(home)
  let ring: RingWriter | undefined
  let complaint = input === 'hub' ? '' : 'telemetry.input is external: the force of games is not played'
  let isTold = false

  function complain(why: string, cause?: unknown): void {
    if (!isTold || complaint !== why) log.warn({ err: cause }, why)
    complaint = why
    isTold = true
  }

  function openRing(): RingWriter | undefined {
    try {
      ring ??= openInputRing(home)
      return ring
    } catch (cause) {
      if (!(cause instanceof RigError)) throw cause
      // Whoever feeds the loop may end at any time: it is tried again with the next force.
      complain(`the force of games is not played: ${cause.detail}`)
      return undefined
    }
  }

  let broken = false
  function push(slots: Uint8Array): number {
    if (input !== 'hub') {
      complain(complaint)
      return 0
    }
    try {
      return broken ? 0 : (openRing()?.push(slots) ?? 0)
    } catch (cause) {
      // The loop wrote a counter that cannot be, or the file was cut. Telemetry and plugins go on; the next loop brings the force back.
      log.error({ err: cause }, 'the input ring is corrupt; no force reaches the loop until it is started again')
      broken = true
      return 0
    }
  }

  function closeInput(): void {
    ring?.close()
    ring = undefined
    broken = false
  }

  return {
    publishTelemetry: telemetry.publish,
    pushInput: (slots) => slots.length / frameSlotBytes - push(slots),
    reopenInput: closeInput,
    close() {
      telemetry.close()
      closeInput()
    },
  }
}
