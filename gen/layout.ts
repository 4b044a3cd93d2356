// Printed by native/layout.c from native/rig.h and native/telemetry.h. Do not edit: make generate.
export const telemetryFrameBytes = 256
export const ledFrameBytes = 208
export const ledCountMax = 64
export const safeScalarBytes = 16
export const frameSlotBytes = 64
export const ringSlots = 1024
export const controlEntryBytes = 24
export const rigControlBytes = 424
export const rigEstopBytes = 8
export const pluginReportBytes = 512
export const rigPluginBytes = 14952
export const rigStatusBytes = 254248
export const pluginSegmentBytes = 131968
export const chainMax = 16
export const rigMagic = 826755410
export const rigVersion = 5
export const sandboxLandlock = 1
export const sandboxSeccomp = 2
export const pluginSegmentMagic = 826757968
export const histogramSubBits = 5
export const histogramMaxBits = 33
export const histogramBuckets = 928
export const inputAheadMaxNs = 100000000
export const torqueMaxNm = 25
export const torqueAssentNm = 5

export const telemetryFrame = {
  timestamp_us: { offset: 0, kind: 'u64', bytes: 8 },
  sequence: { offset: 8, kind: 'u64', bytes: 8 },
  ffb_scalar: { offset: 16, kind: 'f32', bytes: 4 },
  ffb_torque_nm: { offset: 20, kind: 'f32', bytes: 4 },
  rpm: { offset: 24, kind: 'f32', bytes: 4 },
  max_rpm: { offset: 28, kind: 'f32', bytes: 4 },
  speed_ms: { offset: 32, kind: 'f32', bytes: 4 },
  slip_ratio: { offset: 36, kind: 'f32', bytes: 4 },
  gear: { offset: 40, kind: 'i32', bytes: 4 },
  flags: { offset: 44, kind: 'u32', bytes: 4 },
  throttle: { offset: 48, kind: 'f32', bytes: 4 },
  brake: { offset: 52, kind: 'f32', bytes: 4 },
  clutch: { offset: 56, kind: 'f32', bytes: 4 },
  steering_angle: { offset: 60, kind: 'f32', bytes: 4 },
  lateral_g: { offset: 64, kind: 'f32', bytes: 4 },
  longitudinal_g: { offset: 68, kind: 'f32', bytes: 4 },
  vertical_g: { offset: 72, kind: 'f32', bytes: 4 },
  slip_angle: { offset: 76, kind: 'bytes', bytes: 16 },
  tire_temp: { offset: 92, kind: 'bytes', bytes: 16 },
  tire_pressure: { offset: 108, kind: 'bytes', bytes: 16 },
  fuel_fraction: { offset: 124, kind: 'f32', bytes: 4 },
  engine_temp: { offset: 128, kind: 'f32', bytes: 4 },
  position: { offset: 132, kind: 'u32', bytes: 4 },
  lap: { offset: 136, kind: 'u32', bytes: 4 },
  current_lap_time: { offset: 140, kind: 'f32', bytes: 4 },
  best_lap_time: { offset: 144, kind: 'f32', bytes: 4 },
  last_lap_time: { offset: 148, kind: 'f32', bytes: 4 },
  delta_ahead: { offset: 152, kind: 'f32', bytes: 4 },
  delta_behind: { offset: 156, kind: 'f32', bytes: 4 },
  num_gears: { offset: 160, kind: 'u32', bytes: 4 },
  car_id: { offset: 168, kind: 'bytes', bytes: 24 },
  track_id: { offset: 192, kind: 'bytes', bytes: 24 },
  session_id: { offset: 216, kind: 'bytes', bytes: 24 },
} as const

export const ledFrame = {
  led_count: { offset: 0, kind: 'u32', bytes: 4 },
  brightness: { offset: 4, kind: 'f32', bytes: 4 },
  duration_ms: { offset: 8, kind: 'u32', bytes: 4 },
  rgb: { offset: 16, kind: 'bytes', bytes: 192 },
} as const

export const safeScalar = {
  timestamp_ns: { offset: 0, kind: 'u64', bytes: 8 },
  ffb_scalar: { offset: 8, kind: 'f32', bytes: 4 },
} as const

export const frameSlot = {
  ffb_in: { offset: 0, kind: 'f32', bytes: 4 },
  torque_out: { offset: 4, kind: 'f32', bytes: 4 },
  wheel_speed: { offset: 8, kind: 'f32', bytes: 4 },
  timestamp_ns: { offset: 16, kind: 'u64', bytes: 8 },
  budget_us: { offset: 24, kind: 'u32', bytes: 4 },
  sequence: { offset: 28, kind: 'u32', bytes: 4 },
  wheel_angle: { offset: 32, kind: 'f32', bytes: 4 },
  dt: { offset: 36, kind: 'f32', bytes: 4 },
  cpu_ns: { offset: 40, kind: 'u32', bytes: 4 },
  wall_ns: { offset: 44, kind: 'u32', bytes: 4 },
  result: { offset: 48, kind: 'i32', bytes: 4 },
  status: { offset: 52, kind: 'u32', bytes: 4 },
  reserved: { offset: 56, kind: 'u64', bytes: 8 },
} as const

export const controlEntry = {
  slot: { offset: 0, kind: 'u32', bytes: 4 },
  life: { offset: 4, kind: 'u32', bytes: 4 },
  instance: { offset: 8, kind: 'u32', bytes: 4 },
  budget_us: { offset: 12, kind: 'u32', bytes: 4 },
  pid: { offset: 16, kind: 'u32', bytes: 4 },
  every: { offset: 20, kind: 'u32', bytes: 4 },
} as const

export const rigControl = {
  lease_ns: { offset: 0, kind: 'u64', bytes: 8 },
  stop: { offset: 8, kind: 'u32', bytes: 4 },
  device: { offset: 12, kind: 'u32', bytes: 4 },
  gain: { offset: 16, kind: 'f32', bytes: 4 },
  max_torque_nm: { offset: 20, kind: 'f32', bytes: 4 },
  max_slew_nm_per_s: { offset: 24, kind: 'f32', bytes: 4 },
  assent: { offset: 28, kind: 'u32', bytes: 4 },
  waiting: { offset: 32, kind: 'u32', bytes: 4 },
  chain_count: { offset: 36, kind: 'u32', bytes: 4 },
  chain: { offset: 40, kind: 'bytes', bytes: 384 },
} as const

export const rigEstop = {
  engaged: { offset: 0, kind: 'u64', bytes: 8 },
} as const

export const pluginEnd = {
  kind: { offset: 0, kind: 'u32', bytes: 4 },
  number: { offset: 4, kind: 'i32', bytes: 4 },
  address: { offset: 8, kind: 'u64', bytes: 8 },
  value: { offset: 16, kind: 'u64', bytes: 8 },
  phase: { offset: 24, kind: 'u32', bytes: 4 },
  sequence: { offset: 28, kind: 'u32', bytes: 4 },
  symbol: { offset: 32, kind: 'bytes', bytes: 96 },
} as const

export const pluginReport = {
  magic: { offset: 0, kind: 'u32', bytes: 4 },
  version: { offset: 4, kind: 'u32', bytes: 4 },
  pid: { offset: 8, kind: 'u32', bytes: 4 },
  state: { offset: 12, kind: 'u32', bytes: 4 },
  message: { offset: 16, kind: 'bytes', bytes: 240 },
  end: { offset: 256, kind: 'bytes', bytes: 128 },
  phase: { offset: 384, kind: 'u32', bytes: 4 },
  sequence: { offset: 388, kind: 'u32', bytes: 4 },
  sandbox: { offset: 392, kind: 'u32', bytes: 4 },
  memory_bytes: { offset: 400, kind: 'u64', bytes: 8 },
  memory_max: { offset: 408, kind: 'u64', bytes: 8 },
  memory_refused: { offset: 416, kind: 'u64', bytes: 8 },
  allocations: { offset: 424, kind: 'u64', bytes: 8 },
} as const

export const rigPlugin = {
  life: { offset: 0, kind: 'u32', bytes: 4 },
  instance: { offset: 4, kind: 'u32', bytes: 4 },
  state: { offset: 8, kind: 'u32', bytes: 4 },
  last_result: { offset: 12, kind: 'i32', bytes: 4 },
  sent: { offset: 16, kind: 'u64', bytes: 8 },
  executions: { offset: 24, kind: 'u64', bytes: 8 },
  failures: { offset: 32, kind: 'u64', bytes: 8 },
  budget_violations: { offset: 40, kind: 'u64', bytes: 8 },
  missed_deadlines: { offset: 48, kind: 'u64', bytes: 8 },
  left_out: { offset: 56, kind: 'u64', bytes: 8 },
  in_the_way: { offset: 64, kind: 'u64', bytes: 8 },
  non_finite: { offset: 72, kind: 'u64', bytes: 8 },
  under_way_ns: { offset: 80, kind: 'u64', bytes: 8 },
  cpu: { offset: 88, kind: 'bytes', bytes: 7432 },
  round_trip: { offset: 7520, kind: 'bytes', bytes: 7432 },
} as const

export const rigStatus = {
  magic: { offset: 0, kind: 'u32', bytes: 4 },
  version: { offset: 4, kind: 'u32', bytes: 4 },
  pid: { offset: 8, kind: 'u32', bytes: 4 },
  generation: { offset: 12, kind: 'u32', bytes: 4 },
  state: { offset: 16, kind: 'u32', bytes: 4 },
  realtime: { offset: 20, kind: 'u32', bytes: 4 },
  memory_locked: { offset: 24, kind: 'u32', bytes: 4 },
  chain_count: { offset: 28, kind: 'u32', bytes: 4 },
  estopped: { offset: 32, kind: 'u32', bytes: 4 },
  waiting: { offset: 36, kind: 'u32', bytes: 4 },
  plans: { offset: 40, kind: 'u64', bytes: 8 },
  beat_ns: { offset: 48, kind: 'u64', bytes: 8 },
  ticks: { offset: 56, kind: 'u64', bytes: 8 },
  missed_ticks: { offset: 64, kind: 'u64', bytes: 8 },
  stale_inputs: { offset: 72, kind: 'u64', bytes: 8 },
  refused_inputs: { offset: 80, kind: 'u64', bytes: 8 },
  non_finite: { offset: 88, kind: 'u64', bytes: 8 },
  clamped: { offset: 96, kind: 'u64', bytes: 8 },
  slew_limited: { offset: 104, kind: 'u64', bytes: 8 },
  in_square_sum: { offset: 112, kind: 'f64', bytes: 8 },
  out_square_sum: { offset: 120, kind: 'f64', bytes: 8 },
  in_nm: { offset: 128, kind: 'f32', bytes: 4 },
  out_nm: { offset: 132, kind: 'f32', bytes: 4 },
  max_abs_nm: { offset: 136, kind: 'f32', bytes: 4 },
  ffb_scalar: { offset: 140, kind: 'f32', bytes: 4 },
  wheel_angle: { offset: 144, kind: 'f32', bytes: 4 },
  wheel_speed: { offset: 148, kind: 'f32', bytes: 4 },
  lateness: { offset: 152, kind: 'bytes', bytes: 7432 },
  duration: { offset: 7584, kind: 'bytes', bytes: 7432 },
  plugins: { offset: 15016, kind: 'bytes', bytes: 239232 },
} as const

export const histogram = {
  max_ns: { offset: 0, kind: 'u64', bytes: 8 },
  counts: { offset: 8, kind: 'bytes', bytes: 7424 },
} as const

export const rigPluginStates = ['detached', 'attached', 'unreadable', 'corrupt'] as const
export const rigStates = ['starting', 'running', 'ended'] as const
export const rigWaitings = ['predictive', 'futex'] as const
export const endKinds = ['none', 'signal', 'syscall', 'timeout', 'ring'] as const
export const pluginPhases = ['loading', 'creating', 'idle', 'processing', 'destroying'] as const
export const reportStates = ['starting', 'ready', 'failed'] as const
