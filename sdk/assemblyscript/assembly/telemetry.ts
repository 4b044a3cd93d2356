// Views of the bytes that the host hands to `process`: no copy, no allocation. A field's name and unit are the
// contract's; a field that the game does not send is 0.

/** Bits of TelemetryFrame.flags. */
export namespace Flag {
  export const YELLOW: u32 = 1 << 0
  export const RED: u32 = 1 << 1
  export const BLUE: u32 = 1 << 2
  export const CHECKERED: u32 = 1 << 3
  export const GREEN: u32 = 1 << 4
  export const WHITE: u32 = 1 << 5
  export const PIT_LIMITER: u32 = 1 << 6
  export const IN_PITS: u32 = 1 << 7
  export const DRS_AVAILABLE: u32 = 1 << 8
  export const DRS_ACTIVE: u32 = 1 << 9
  export const ERS_AVAILABLE: u32 = 1 << 10
  export const ERS_ACTIVE: u32 = 1 << 11
  export const LAUNCH_CONTROL: u32 = 1 << 12
  export const TRACTION_CONTROL: u32 = 1 << 13
  export const ABS_ACTIVE: u32 = 1 << 14
  export const ENGINE_LIMITER: u32 = 1 << 15
  export const SAFETY_CAR: u32 = 1 << 16
  export const FORMATION_LAP: u32 = 1 << 17
  export const SESSION_PAUSED: u32 = 1 << 18
}

/** One frame of telemetry, 256 bytes. Wheels are in the order FL, FR, RL, RR. */
@unmanaged
export class TelemetryFrame {
  timestamp_us: u64
  sequence: u64
  /** -1..1; the field that a plugin with ModifyTelemetry changes. */
  ffb_scalar: f32
  /** N·m */
  ffb_torque_nm: f32
  /** rev/min */
  rpm: f32
  max_rpm: f32
  /** m/s */
  speed_ms: f32
  /** 0..1 */
  slip_ratio: f32
  /** -1 reverse, 0 neutral. */
  gear: i32
  /** Bits of Flag. */
  flags: u32
  /** 0..1 */
  throttle: f32
  brake: f32
  clutch: f32
  /** rad, right positive */
  steering_angle: f32
  /** g */
  lateral_g: f32
  longitudinal_g: f32
  vertical_g: f32
  /** rad */
  slip_angle_fl: f32
  slip_angle_fr: f32
  slip_angle_rl: f32
  slip_angle_rr: f32
  /** °C */
  tire_temp_fl: f32
  tire_temp_fr: f32
  tire_temp_rl: f32
  tire_temp_rr: f32
  /** psi */
  tire_pressure_fl: f32
  tire_pressure_fr: f32
  tire_pressure_rl: f32
  tire_pressure_rr: f32
  /** 0..1 */
  fuel_fraction: f32
  /** °C */
  engine_temp: f32
  /** 1 = first */
  position: u32
  /** 0 = first */
  lap: u32
  /** s */
  current_lap_time: f32
  best_lap_time: f32
  last_lap_time: f32
  delta_ahead: f32
  delta_behind: f32
  num_gears: u32
  private reserved: u32
  // char[24] each, UTF-8, padded with NUL.
  private car_id_0: u64
  private car_id_1: u64
  private car_id_2: u64
  private track_id_0: u64
  private track_id_1: u64
  private track_id_2: u64
  private session_id_0: u64
  private session_id_1: u64
  private session_id_2: u64
  private reserved_tail_0: u64
  private reserved_tail_1: u64

  /** True when every bit of `flags` is set. */
  @inline
  has(flags: u32): bool {
    return (this.flags & flags) == flags
  }

  // These three make a string, which the stub runtime never frees: call them when `sequence` says that something is new.

  carId(): string {
    return text(changetype<usize>(this) + offsetof<TelemetryFrame>('car_id_0'))
  }

  trackId(): string {
    return text(changetype<usize>(this) + offsetof<TelemetryFrame>('track_id_0'))
  }

  sessionId(): string {
    return text(changetype<usize>(this) + offsetof<TelemetryFrame>('session_id_0'))
  }
}

function text(pointer: usize): string {
  let length = 0
  while (length < 24 && load<u8>(pointer + length) != 0) length++
  return String.UTF8.decodeUnsafe(pointer, length)
}

/** What the host says about this call, 16 bytes. */
@unmanaged
export class Context {
  /** Calls of this instance, from 1. */
  frame_number: u64
  /** CPU time that a call may take, µs. */
  budget_us: u32
  /** Calls a second. */
  update_rate_hz: u32
}

/** The LEDs of the rim: 16 bytes, and 3 for each LED. */
@unmanaged
export class LedFrame {
  /** LEDs that the rim has. May be lowered, never raised. */
  led_count: u32
  /** 0..1 */
  brightness: f32
  /** How long the host shows the frame when nothing newer comes, ms. */
  duration_ms: u32
  private reserved: u32

  /** Sets one LED; an index that the rim does not have is ignored. */
  set(index: u32, red: u8, green: u8, blue: u8): void {
    if (index >= this.led_count) return
    const at = changetype<usize>(this) + offsetof<LedFrame>() + 3 * <usize>index
    store<u8>(at, red)
    store<u8>(at, green, 1)
    store<u8>(at, blue, 2)
  }
}

// Layout is ABI: a field that moved does not compile.
if (offsetof<TelemetryFrame>() != 256) ERROR('TelemetryFrame has 256 bytes')
if (offsetof<TelemetryFrame>('flags') != 44) ERROR('flags is at 44')
if (offsetof<TelemetryFrame>('slip_angle_fl') != 76) ERROR('slip_angle is at 76')
if (offsetof<TelemetryFrame>('fuel_fraction') != 124) ERROR('fuel_fraction is at 124')
if (offsetof<TelemetryFrame>('num_gears') != 160) ERROR('num_gears is at 160')
if (offsetof<TelemetryFrame>('car_id_0') != 168) ERROR('car_id is at 168')
if (offsetof<Context>() != 16) ERROR('Context has 16 bytes')
if (offsetof<LedFrame>() != 16) ERROR('LedFrame has 16 bytes before its LEDs')
