import { Context, LedFrame, Op, readNumber, Result, TelemetryFrame } from '@openracing/plugin/assembly'

export { alloc, dealloc, openracing_abi } from '@openracing/plugin/assembly'

let shiftPoint: f32 = 0.9

export function initialize(json: usize, length: i32): i32 {
  shiftPoint = <f32>readNumber(json, length, 'shift_point', 0.9)
  return Result.OK
}

export function process(op: i32, telemetry: TelemetryFrame, context: Context, leds: LedFrame): i32 {
  if (op != Op.LEDS) return Result.INVALID_ARGUMENT
  const speed: f32 = telemetry.max_rpm > 0 ? telemetry.rpm / telemetry.max_rpm : 0
  const lit = <u32>(min<f32>(speed, 1) * <f32>leds.led_count)
  for (let i: u32 = 0; i < leds.led_count; i++) {
    if (i >= lit) leds.set(i, 0, 0, 0)
    else if (speed > shiftPoint) leds.set(i, 255, 0, 0)
    else leds.set(i, 0, 255, 0)
  }
  leds.brightness = 1
  leds.duration_ms = 50
  return Result.CHANGED
}
