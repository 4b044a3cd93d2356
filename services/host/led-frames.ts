import { ledFrame as layout, ledCountMax, ledFrameBytes } from '../../gen/layout.ts'
import type { LedFrame } from '../../gen/proto/openracing/v1/rig.ts'
import type { Home } from '../../rpc/home.ts'
import { openLedSlot } from '../../shm/slots.ts'

/** The frames that LED plugins drew. */
export interface LedFrames {
  /** The newest frame; undefined before the first. */
  latest(): LedFrame | undefined
  /** May be called twice. */
  close(): void
}

function decode(sequence: bigint, bytes: Buffer): LedFrame {
  // The wasm-runner is a process of ours, but the one that runs other people's code: its count is bounded here again.
  const count = Math.min(bytes.readUInt32LE(layout.led_count.offset), ledCountMax)
  return {
    sequence,
    rgb: Buffer.from(bytes.subarray(layout.rgb.offset, layout.rgb.offset + count * 3)),
    brightness: bytes.readFloatLE(layout.brightness.offset),
    durationMs: bytes.readUInt32LE(layout.duration_ms.offset),
  }
}

/** Opens, or creates, the LED slot of a rig for reading. Throws SHARED_MEMORY_INVALID. */
export function openLedFrames(home: Home): LedFrames {
  const slot = openLedSlot(home)
  const bytes = Buffer.alloc(ledFrameBytes)
  return {
    latest() {
      const sequence = slot.read(bytes)
      return sequence === 0n ? undefined : decode(sequence, bytes)
    },
    close: slot.close,
  }
}
