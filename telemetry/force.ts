// Force feedback for games that send none, from what the car does.
//
// The torque at the steering column of a car in a corner is the front lateral force times the trail behind the
// steering axis: mechanical trail, which the suspension fixes, plus pneumatic trail, which the tyre loses as it slides
// (W. F. and D. L. Milliken, "Race Car Vehicle Dynamics", SAE 1995, ch. 2 and 19). How lateral force and pneumatic
// trail depend on slip is the brush tyre's closed form (H. B. Pacejka, "Tyre and Vehicle Dynamics", ch. 3). With s the
// share of the contact patch's slip at which all of it slides, c = 1 - s:
//
//   lateral force / grip         u = 1 - c³
//   pneumatic trail / its most   t = c³ / (c + s²/3)
//   torque                       M = u · (P · t + 1 - P)
//
// Beside it stands what the steered wheels do at any load: steering axes that lean inward lift the car as the wheels
// turn, and its weight turns them back (Milliken, ch. 19, "kingpin inclination"). That torque grows with the sine of the
// steer angle, which over the lock of a car is close to the angle itself:
//
//   jacking                      J = steering angle / lock
//
// So the wheel loads up, goes light just before the front lets go, and keeps the mechanical part beyond that. Front
// lateral force is taken as the car's lateral acceleration: the front's share of the mass cancels with its grip.

import type { TelemetryFrame } from '../gen/proto/openracing/v1/telemetry.ts'

/** What a game that sends no force says about the load on the front tyres. */
export interface CarLoad {
  /** g, right positive. */
  readonly lateralG: number
  readonly speedMs: number
  /** Of the steering wheel, rad, right positive. */
  readonly steeringAngle: number
  /** Slip of the front tyres, 1 = sliding, where the game sends it. It can only make the wheel lighter. */
  readonly frontSlip: number | undefined
}

/** The load that a frame speaks of. `frontSlip`: 1 = sliding, for games that send it. */
export const loadOf = (frame: TelemetryFrame, frontSlip?: number): CarLoad => ({
  lateralG: frame.lateralG ?? 0,
  speedMs: frame.speedMs ?? 0,
  steeringAngle: frame.steeringAngle ?? 0,
  frontSlip,
})

/** P: 30 mm of pneumatic trail at rest against 20 mm of mechanical trail, within the ranges that Milliken gives for both. */
const pneumaticShare = 0.6

/** Output for the heaviest corner, and for full lock: M is what a driver steers by, J only finds the middle. The rest is
 * room for the road's texture and for the slew of a correction. */
const fullCorner = 0.75
const fullJacking = 0.1

/** Lock of an ordinary car's steering wheel, rad: one and a quarter turns, 450°. */
const lockRad = 2.5 * Math.PI

/** Below this the contact patch scrubs instead of rolling and accelerations are mostly sensor noise: the force fades to 0. m/s. */
const fadeSpeedMs = 5

/** M at slip `s` with lateral force `u`. */
function torqueShare(u: number, s: number): number {
  const c = 1 - s
  const trail = c === 0 ? 0 : c ** 3 / (c + s ** 2 / 3)
  return u * (pneumaticShare * trail + 1 - pneumaticShare)
}

/** The most that M can be: its maximum over the slip, to a thousandth. */
const peakTorqueShare = Math.max(
  ...Array.from({ length: 1001 }, (_, s) => torqueShare(1 - (1 - s / 1000) ** 3, s / 1000)),
)

/**
 * The force at the wheel, -0.85..0.85, right positive: in a right-hand corner the tyres turn the wheel to the left.
 * `gripG` is the lateral acceleration at which the front would slide, g, above 0.
 */
export function deriveForce({ lateralG, speedMs, steeringAngle, frontSlip }: CarLoad, gripG: number): number {
  const u = Math.min(1, Math.abs(lateralG) / gripG)
  const loadedSlip = 1 - Math.cbrt(1 - u)
  const slip = Math.min(1, Math.max(loadedSlip, frontSlip ?? 0))
  const fade = Math.min(1, Math.max(0, speedMs / fadeSpeedMs))
  const cornering = Math.sign(lateralG) * (torqueShare(u, slip) / peakTorqueShare) * fullCorner
  const jacking = Math.min(1, Math.max(-1, steeringAngle / lockRad)) * fullJacking
  // 0 - …: without a load it is 0 and not -0.
  return 0 - (cornering + jacking) * fade
}

/** Where the estimate of an unknown car's grip begins, g: a road car on road tyres. */
export const firstGripG = 1.2

/**
 * The grip of a car that the game does not describe, from how hard it corners: 15 % above the hardest corner so far,
 * so that a corner at the limit lies where the wheel goes light. Rises by at most 1 g a second: a kerb or a crash of
 * 50 ms moves it by 0.05 g. Never falls.
 */
export function nextGripG(gripG: number, lateralG: number, elapsedS: number): number {
  const seen = Math.abs(lateralG) * 1.15
  return Math.max(gripG, Math.min(seen, gripG + Math.max(0, elapsedS)))
}
