import { TelemetryFrame } from '../gen/proto/openracing/v1/telemetry.ts'
import { type Decoded, finiteFrame, positive, refused, share, standardGravity } from './decoded.ts'
import { packFlags } from './flag.ts'
import { type CarLoad, loadOf } from './force.ts'
import { type PacketView, viewPacket } from './packet-view.ts'

// Forza "Data Out": one datagram a frame, no header; the size alone tells the format. Field names and units are those
// of Turn 10's "Data Out Documentation" for Forza Motorsport 7 and 2023. Axes: x right, y up, z forward.

export type ForzaFormat = 'sled' | 'dash' | 'horizon' | 'motorsport'

/** Datagram size, bytes, of each format. */
export const forzaBytes: { readonly [format in ForzaFormat]: number } = {
  sled: 232, //       Motorsport 7, without the dash
  dash: 311, //       Motorsport 7
  horizon: 324, //    Horizon 4 and 5: 12 bytes of their own before the dash, one after it
  motorsport: 331, // Motorsport 2023: the dash, four tyre wears and the track's ordinal
}

/** How far the dash fields lie behind the end of the sled, bytes. Undefined: there are none. */
const dashShift: { readonly [format in ForzaFormat]: number | undefined } = {
  sled: undefined,
  dash: 0,
  horizon: 12,
  motorsport: 0,
}

/**
 * The game sends steering as -127..127 of the lock of the controller that drives, never in radians. Assumed: half of
 * 900°, the rotation that the game sets for a wheel unless the driver changes it. 7.85 rad.
 */
export const steeringLockRad = (450 * Math.PI) / 180

/** What the force needs of a packet. */
export interface ForzaFeel {
  readonly load: CarLoad
  /** The stronger front wheel's rumble, 0..1: `SurfaceRumble`, or more on a rumble strip. */
  readonly rumble: number
}

/** The format with datagrams of `length` bytes, if there is one. */
export function forzaFormat(length: number): ForzaFormat | undefined {
  return (Object.keys(forzaBytes) as ForzaFormat[]).find((format) => forzaBytes[format] === length)
}

/** `TimestampMS`, which wraps at 2^32. Only for a packet that has the size of a format. */
export const forzaTimestampMs = (bytes: Uint8Array): number => viewPacket(bytes).u32(4)

/** One datagram. Never throws. IsRaceOn = 0 (menus, loading, pause) is not telemetry, whatever else it holds. */
export function decodeForza(bytes: Uint8Array): Decoded<ForzaFeel> {
  const format = forzaFormat(bytes.byteLength)
  if (format === undefined) return refused(`${bytes.byteLength} bytes is no Forza datagram: 232, 311, 324 or 331`)
  const view = viewPacket(bytes)
  const raceOn = view.s32(0)
  if (raceOn === 0) return { kind: 'not-telemetry' }
  if (raceOn !== 1) return refused(`IsRaceOn is ${raceOn}, not 0 or 1`)

  const shift = dashShift[format]
  if (shift !== undefined && view.u8(307 + shift) > neutral)
    return refused(`gear ${view.u8(307 + shift)} is none of 0..11`)
  const frame = TelemetryFrame.fromPartial({
    ...sledFields(view),
    ...(shift === undefined ? {} : dashFields(view, shift)),
    ...(format === 'motorsport' ? { trackId: String(view.s32(327)) } : {}),
  })
  return finiteFrame(frame, feelOf(view, frame))
}

function sledFields(view: PacketView): Partial<TelemetryFrame> {
  return {
    timestampUs: BigInt(view.u32(4)) * 1000n,
    maxRpm: view.f32(8),
    rpm: view.f32(16),
    lateralG: view.f32(20) / standardGravity,
    verticalG: view.f32(24) / standardGravity,
    longitudinalG: view.f32(28) / standardGravity,
    speedMs: Math.hypot(view.f32(32), view.f32(36), view.f32(40)),
    // Normalised by the game: 1 is where the tyre lets go, so it is cut there. The slip *angles* are normalised as
    // well and have no radians in them: `slipAngle` stays empty.
    slipRatio: share(Math.max(...view.wheels(84).map(Math.abs))),
    carId: String(view.s32(212)),
    // A frame is only sent while the race runs, so this one flag is known: not paused.
    ...packFlags({ sessionPaused: false }),
  }
}

function dashFields(view: PacketView, shift: number): Partial<TelemetryFrame> {
  return {
    speedMs: view.f32(244 + shift),
    tireTemp: view.wheels(256 + shift).map(celsius),
    fuelFraction: share(view.f32(276 + shift)),
    bestLapTime: positive(view.f32(284 + shift)),
    lastLapTime: positive(view.f32(288 + shift)),
    currentLapTime: view.f32(292 + shift),
    lap: view.u16(300 + shift),
    position: positive(view.u8(302 + shift)),
    throttle: view.u8(303 + shift) / 255,
    brake: view.u8(304 + shift) / 255,
    clutch: view.u8(305 + shift) / 255,
    gear: gearOf(view.u8(307 + shift)),
    steeringAngle: (Math.max(-127, view.s8(308 + shift)) / 127) * steeringLockRad,
  }
}

/** The game has 0 = reverse and 1..10; it sends 11 while no gear is engaged, so also during a shift. */
const neutral = 11
const gearOf = (sent: number): number => (sent === 0 ? -1 : sent === neutral ? 0 : sent)

const celsius = (fahrenheit: number): number => ((fahrenheit - 32) * 5) / 9

/** Rumble on a strip when the surface itself says nothing: twice the strongest surface of the Motorsport 7 recording (0.12). */
const rumbleStrip = 0.25

function feelOf(view: PacketView, frame: TelemetryFrame): ForzaFeel {
  const strip = view.s32(116) !== 0 || view.s32(120) !== 0 ? rumbleStrip : 0
  const frontSlip = (Math.abs(view.f32(164)) + Math.abs(view.f32(168))) / 2
  const rumble = share(Math.max(Math.abs(view.f32(148)), Math.abs(view.f32(152)), strip))
  const load = loadOf(frame, frontSlip)
  return { load, rumble }
}
