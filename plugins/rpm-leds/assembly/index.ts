// A rev bar: LEDs light up with the engine's speed, all of them red while a red or yellow flag is out.

import { Context, Flag, LedFrame, Op, readNumber, Result, TelemetryFrame } from '../../../sdk/assemblyscript/assembly'

export { alloc, dealloc, openracing_abi } from '../../../sdk/assemblyscript/assembly'

let maxRpm: f32 = 8000
let shiftPoint: f32 = 0.9

export function initialize(json: usize, length: i32): i32 {
  maxRpm = <f32>readNumber(json, length, 'max_rpm', 8000)
  shiftPoint = <f32>readNumber(json, length, 'shift_point', 0.9)
  return Result.OK
}

export function process(op: i32, telemetry: TelemetryFrame, context: Context, leds: LedFrame): i32 {
  if (op != Op.LEDS) return Result.INVALID_ARGUMENT
  if ((telemetry.flags & (Flag.RED | Flag.YELLOW)) != 0) fill(leds, leds.led_count, 255, 0)
  else showRpm(leds, min<f32>(max<f32>(telemetry.rpm / maxRpm, 0), 1))
  leds.brightness = 1
  leds.duration_ms = 50
  return Result.CHANGED
}

/** `speed`: 0..1 of the engine's maximum. Green, and red above the shift point. */
function showRpm(leds: LedFrame, speed: f32): void {
  const active = <u32>(speed * <f32>leds.led_count)
  if (speed > shiftPoint) fill(leds, active, 255, 0)
  else fill(leds, active, 0, 255)
}

/** The first `active` LEDs in one colour, the others dark. */
function fill(leds: LedFrame, active: u32, red: u8, green: u8): void {
  for (let i: u32 = 0; i < leds.led_count; i++) {
    if (i < active) leds.set(i, red, green, 0)
    else leds.set(i, 0, 0, 0)
  }
}

export function shutdown(): i32 {
  return Result.OK
}
