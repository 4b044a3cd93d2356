import { telemetryFrame as layout, telemetryFrameBytes } from '../gen/layout.ts'
import type { TelemetryFrame } from '../gen/proto/openracing/v1/telemetry.ts'

/** Longest car, track or session id, bytes of UTF-8: the frame's char[24] without its last NUL. */
export const idBytesMax = layout.car_id.bytes - 1

/** The beginning of `text` that has at most `maxBytes` bytes of UTF-8, cut between two characters. */
export function cutToBytes(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text)
  if (bytes.length <= maxBytes) return text
  let end = maxBytes
  // 10xxxxxx continues a character (RFC 3629): what it belongs to would be cut in two.
  while (((bytes[end] as number) & 0xc0) === 0x80) end -= 1
  return bytes.toString('utf8', 0, end)
}

const floats = {
  ffb_scalar: 'ffbScalar',
  ffb_torque_nm: 'ffbTorqueNm',
  rpm: 'rpm',
  max_rpm: 'maxRpm',
  speed_ms: 'speedMs',
  slip_ratio: 'slipRatio',
  throttle: 'throttle',
  brake: 'brake',
  clutch: 'clutch',
  steering_angle: 'steeringAngle',
  lateral_g: 'lateralG',
  longitudinal_g: 'longitudinalG',
  vertical_g: 'verticalG',
  fuel_fraction: 'fuelFraction',
  engine_temp: 'engineTemp',
  current_lap_time: 'currentLapTime',
  best_lap_time: 'bestLapTime',
  last_lap_time: 'lastLapTime',
  delta_ahead: 'deltaAhead',
  delta_behind: 'deltaBehind',
} as const

const counts = { flags: 'flags', position: 'position', lap: 'lap', num_gears: 'numGears' } as const
const wheels = { slip_angle: 'slipAngle', tire_temp: 'tireTemp', tire_pressure: 'tirePressure' } as const
const ids = { car_id: 'carId', track_id: 'trackId', session_id: 'sessionId' } as const

const fieldsOf = <Fields extends object>(fields: Fields): readonly (keyof Fields)[] =>
  Object.keys(fields) as (keyof Fields)[]

/**
 * The 256 bytes of a frame as they lie in shared memory and in a guest. What is absent is 0; ids that are too long are
 * cut. Does not check values: what is not finite must have been refused before.
 */
export function encodeTelemetryFrame(frame: TelemetryFrame): Buffer {
  const bytes = Buffer.alloc(telemetryFrameBytes)
  bytes.writeBigUInt64LE(frame.timestampUs, layout.timestamp_us.offset)
  bytes.writeBigUInt64LE(frame.sequence, layout.sequence.offset)
  bytes.writeInt32LE(frame.gear ?? 0, layout.gear.offset)
  for (const field of fieldsOf(floats)) bytes.writeFloatLE(frame[floats[field]] ?? 0, layout[field].offset)
  for (const field of fieldsOf(counts)) bytes.writeUInt32LE(frame[counts[field]] ?? 0, layout[field].offset)
  for (const field of fieldsOf(wheels)) {
    for (const [wheel, value] of frame[wheels[field]].slice(0, 4).entries()) {
      bytes.writeFloatLE(value, layout[field].offset + wheel * 4)
    }
  }
  for (const field of fieldsOf(ids)) bytes.write(cutToBytes(frame[ids[field]] ?? '', idBytesMax), layout[field].offset)
  return bytes
}
