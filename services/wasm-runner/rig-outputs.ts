import { safeScalar, safeScalarBytes, telemetryFrame, telemetryFrameBytes } from '../../gen/layout.ts'
import type { Latest } from '../../shm/latest.ts'
import { darkFrame, shownFrame } from './led-frame.ts'

/** Where the answers of Safe plugins go. */
export interface AnswerSlots {
  /** 208 bytes. */
  readonly leds: Latest
  /** 16 bytes. */
  readonly scalar: Latest
}

/** The cells of shared memory that one thread of the executor reads and writes. */
export interface Slots extends AnswerSlots {
  /** 256 bytes. */
  readonly telemetry: Latest
  /** The answers of the suspects' thread, which this thread takes over; undefined in the suspects' thread itself. */
  readonly suspects: AnswerSlots | undefined
}

/** The newest telemetry. Before the first frame it is all zeroes. */
export function followTelemetry(slot: Latest) {
  const arriving = new Uint8Array(telemetryFrameBytes)
  const frame = new Uint8Array(telemetryFrameBytes)
  const view = new DataView(frame.buffer)
  let number = 0n
  return {
    frame,
    /** Takes the newest frame, if there is a newer one. */
    refresh() {
      // 0 also when the hub overtook the copy again and again: then what we have is good, and `arriving` is not.
      const newest = slot.read(arriving)
      if (newest === 0n || newest === number) return
      number = newest
      frame.set(arriving)
    },
    /** Whether there was a first frame. */
    begun: () => number > 0n,
    scalar: () => view.getFloat32(telemetryFrame.ffb_scalar.offset, true),
  }
}

/** Publishes the scalar that the loop multiplies by. `now`: CLOCK_MONOTONIC, ns. */
export function openScalarOutput(slot: Latest, now: () => bigint) {
  const value = new Uint8Array(safeScalarBytes)
  const view = new DataView(value.buffer)
  const write = (timeNs: bigint, scalar: number): void => {
    view.setBigUint64(safeScalar.timestamp_ns.offset, timeNs, true)
    view.setFloat32(safeScalar.ffb_scalar.offset, scalar, true)
    slot.publish(value)
  }
  return {
    publish: (scalar: number) => write(now(), scalar),
    /** Nobody says anything any more: a scalar as old as that is not meant. */
    withdraw: () => write(0n, 0),
  }
}

/** The LEDs as they are shown. */
export function openLedOutput(slot: Latest, ledCount: number) {
  // What a plugin is given: the newest colours, and always the rim's own number of LEDs.
  const current = darkFrame(ledCount)
  return {
    current,
    /** Shows what a plugin drew. False, and nothing changes, when it drew more LEDs than there are. */
    show(drawn: Uint8Array): boolean {
      const frame = shownFrame(drawn, ledCount)
      if (frame === undefined) return false
      slot.publish(frame)
      current.set(frame.subarray(4), 4) // all but led_count
      return true
    },
  }
}
