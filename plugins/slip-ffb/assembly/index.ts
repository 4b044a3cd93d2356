// More force while the tyres slip, and a count of the frames that it saw.

import { Context, LedFrame, Op, Result, setCustomCount, TelemetryFrame } from '../../../sdk/assemblyscript/assembly'

export { alloc, dealloc, openracing_abi } from '../../../sdk/assemblyscript/assembly'

/** Slip above which the force is raised, 0..1. */
const SLIP_MIN: f32 = 0.1
const GAIN: f32 = 1.1

let frameCount: u64 = 0

export function initialize(json: usize, length: i32): i32 {
  frameCount = 0
  return Result.OK
}

export function process(op: i32, telemetry: TelemetryFrame, context: Context, leds: LedFrame): i32 {
  if (op != Op.TELEMETRY) return Result.INVALID_ARGUMENT
  frameCount++
  setCustomCount('frame_count', frameCount)
  if (!(telemetry.slip_ratio > SLIP_MIN)) return Result.UNCHANGED
  telemetry.ffb_scalar *= GAIN
  return Result.CHANGED
}

export function shutdown(): i32 {
  return Result.OK
}
