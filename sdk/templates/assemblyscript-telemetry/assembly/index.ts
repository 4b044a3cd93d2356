import { Context, LedFrame, Op, readNumber, Result, TelemetryFrame } from '@openracing/plugin/assembly'

export { alloc, dealloc, openracing_abi } from '@openracing/plugin/assembly'

let gain: f32 = 0.8

export function initialize(json: usize, length: i32): i32 {
  gain = <f32>readNumber(json, length, 'gain', 0.8)
  return Result.OK
}

export function process(op: i32, telemetry: TelemetryFrame, context: Context, leds: LedFrame): i32 {
  if (op != Op.TELEMETRY) return Result.INVALID_ARGUMENT
  telemetry.ffb_scalar *= gain
  return Result.CHANGED
}
