import { TelemetryFrame } from '../gen/proto/openracing/v1/telemetry.ts'
import { type Decoded, finiteFrame, positive, refused, share, slipRatio, standardGravity } from './decoded.ts'
import { packFlags } from './flag.ts'
import { type CarLoad, loadOf } from './force.ts'
import { type PacketView, viewPacket } from './packet-view.ts'

// Gran Turismo 7, decrypted. The field names are those of zetetos/gt-telemetry. Axes of the body fields: sway right,
// heave up, surge forward positive (a lap of Spa, driven clockwise, turns by +2π with sway positive in its rights);
// steering and yaw are positive to the *left*.

export const granTurismoBytes = 368
/** The game ticks and sends at this rate, Hz. */
export const granTurismoRateHz = 60
export const granTurismoMagic = '0S7G'

/** What the force needs of a packet. */
export interface GranTurismoFeel {
  readonly load: CarLoad
  /** Counts the game's ticks. */
  readonly packetId: number
  /** Suspension heights, m; front left, front right. */
  readonly frontSuspensionM: readonly [number, number]
}

/** Bits of the u16 at 0x8E. */
const state = { onTrack: 1 << 0, paused: 1 << 1, loading: 1 << 2, revLimiter: 1 << 5, tractionControl: 1 << 11 }

/** True when the bytes begin as a decrypted packet does. */
export const hasGranTurismoMagic = (bytes: Uint8Array): boolean =>
  bytes.byteLength >= 4 && String.fromCharCode(...bytes.subarray(0, 4)) === granTurismoMagic

/** One packet. Never throws. A packet of a paused or loading game is a frame that says `sessionPaused`. */
export function decodeGranTurismo(bytes: Uint8Array): Decoded<GranTurismoFeel> {
  if (bytes.byteLength !== granTurismoBytes) {
    return refused(`${bytes.byteLength} bytes is no Gran Turismo 7 packet of ${granTurismoBytes}`)
  }
  if (!hasGranTurismoMagic(bytes))
    return refused(`the packet does not begin with ${granTurismoMagic}: still encrypted?`)
  const view = viewPacket(bytes)
  const frame = TelemetryFrame.fromPartial({ ...carFields(view), ...driverFields(view), ...sessionFields(view) })
  return finiteFrame(frame, feelOf(view, frame))
}

function carFields(view: PacketView): Partial<TelemetryFrame> {
  return {
    rpm: view.f32(0x3c),
    // Where the rev lights end: the game sends no other limit.
    maxRpm: view.u16(0x8a),
    speedMs: view.f32(0x4c),
    slipRatio: slipRatio(rimSpeeds(view), view.f32(0x4c)),
    lateralG: view.f32(0x130) / standardGravity,
    verticalG: view.f32(0x134) / standardGravity,
    longitudinalG: view.f32(0x138) / standardGravity,
    tireTemp: view.wheels(0x60),
    fuelFraction: fuelFraction(view),
    engineTemp: view.f32(0x58),
    numGears: gearCount(view),
    carId: String(view.u32(0x124)),
  }
}

function driverFields(view: PacketView): Partial<TelemetryFrame> {
  return {
    gear: gearOf(view.u8(0x90) & 0x0f),
    throttle: view.u8(0x91) / 255,
    brake: view.u8(0x92) / 255,
    clutch: share(view.f32(0xf4)),
    steeringAngle: -view.f32(0x128),
  }
}

function sessionFields(view: PacketView): Partial<TelemetryFrame> {
  const lap = view.s16(0x74)
  return {
    timestampUs: (BigInt(view.u32(0x70)) * 1_000_000n) / BigInt(granTurismoRateHz),
    // The game counts the first lap as 1, the grid as 0 and menus as -1.
    lap: lap >= 1 ? lap - 1 : undefined,
    currentLapTime: lap >= 1 ? seconds(view.s32(0x15c)) : undefined,
    bestLapTime: seconds(view.s32(0x78)),
    lastLapTime: seconds(view.s32(0x7c)),
    ...packFlags(flagsOf(view.u16(0x8e), lap)),
  }
}

/**
 * A replay has the on-track bit clear and is telemetry all the same (the recording of a demonstration lap is one). A
 * clear bit without a lap is a menu: nobody drives, which a plugin should see as a pause.
 */
function flagsOf(bits: number, lap: number) {
  const inMenu = (bits & state.onTrack) === 0 && lap < 0
  return {
    sessionPaused: inMenu || (bits & (state.paused | state.loading)) !== 0,
    engineLimiter: (bits & state.revLimiter) !== 0,
    tractionControl: (bits & state.tractionControl) !== 0,
  }
}

/** -1 means none yet. */
const seconds = (milliseconds: number): number | undefined => positive(milliseconds / 1000)

/** 0 is reverse and 15 neutral. */
const gearOf = (nibble: number): number => (nibble === 0 ? -1 : nibble === 15 ? 0 : nibble)

/** Electric cars and karts without a tank say a capacity of 0: absent. */
function fuelFraction(view: PacketView): number | undefined {
  const [level, capacity] = [view.f32(0x44), view.f32(0x48)]
  if (capacity === 0) return undefined
  return Number.isFinite(capacity) ? share(level / capacity) : capacity
}

/** Ratios above 0 of the eight that fit. NaN where one is not finite, so that the packet is refused. */
function gearCount(view: PacketView): number {
  const ratios = [...view.wheels(0x104), ...view.wheels(0x114)]
  return ratios.every(Number.isFinite) ? ratios.filter((ratio) => ratio > 0).length : Number.NaN
}

/** Wheel speeds are negative forward; the rim's speed is |rad/s| × radius, m/s. */
function rimSpeeds(view: PacketView): number[] {
  const radii = view.wheels(0xb4)
  return view.wheels(0xa4).map((speed, wheel) => Math.abs(speed * (radii[wheel] ?? Number.NaN)))
}

function feelOf(view: PacketView, frame: TelemetryFrame): GranTurismoFeel {
  const load = loadOf(frame)
  return { load, packetId: view.u32(0x70), frontSuspensionM: [view.f32(0xc4), view.f32(0xc8)] }
}
