import { frameSlotBytes, frameSlot as layout } from '../../gen/layout.ts'
import type { ForceFrame } from './force-playout.ts'

/** The slots of the input ring for some frames. `maxTorqueNm` is what a force of 1 stands for. */
export function encodeInputFrames(frames: readonly ForceFrame[], maxTorqueNm: number): Buffer {
  const slots = Buffer.alloc(frames.length * frameSlotBytes)
  for (const [index, frame] of frames.entries()) {
    const at = index * frameSlotBytes
    slots.writeFloatLE(frame.force * maxTorqueNm, at + layout.ffb_in.offset)
    slots.writeFloatLE(frame.speed, at + layout.wheel_speed.offset)
    slots.writeFloatLE(frame.angle, at + layout.wheel_angle.offset)
    slots.writeBigUInt64LE(frame.dueNs, at + layout.timestamp_ns.offset)
  }
  return slots
}
