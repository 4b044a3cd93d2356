import { standardGravity } from './decoded.ts'

// The simulator's car: a GT3 as a point mass. The class's published figures are about 1300 kg and 400 kW with slicks
// that hold 1.5 g; the rest is chosen so that the gears fit the circuit.

export const raceCar = {
  massKg: 1300,
  powerW: 400_000,
  /** Half of air density × drag area: 1.2 kg/m³ and 1.0 m². kg/m. */
  dragKgPerM: 0.6,
  /** Limits of the tyres as accelerations, g: sideways, under braking (four wheels), under power (two). */
  lateralGripG: 1.5,
  brakeGripG: 1.4,
  tractionGripG: 0.9,
  /** Slip at which a tyre slides wholly, 0..1. Typical of slicks. */
  slideSlip: 0.15,
  wheelbaseM: 2.6,
  /** Steering wheel angle over road wheel angle. */
  steeringRatio: 14,
  /** Road wheel angle that 1 m/s² sideways needs beyond the geometric one, rad: 1.1° a g of understeer. */
  understeerRadPerMs2: 0.002,
  tyreRadiusM: 0.33,
  idleRpm: 1200,
  redlineRpm: 7500,
  /** Engine over wheel speed: even steps from 18 m/s to 80 m/s at the redline. */
  gearRatios: [14.4, 10.7, 7.93, 5.89, 4.37, 3.24],
  /** Share of a full tank that one metre burns: a tank lasts 100 km. */
  fuelPerM: 1 / 100_000,
} as const

export const dragMs2 = (speedMs: number): number => (raceCar.dragKgPerM * speedMs ** 2) / raceCar.massKg

/** What remains for braking and driving of the grip ellipse when the car corners at `lateralMs2`, 0..1. */
export const longitudinalShare = (lateralMs2: number): number =>
  Math.sqrt(Math.max(0, 1 - (lateralMs2 / (raceCar.lateralGripG * standardGravity)) ** 2))

/** Most that the tyres push forwards, m/s². */
export const tractionMs2 = (speedMs: number, lateralMs2: number): number =>
  Math.min(
    raceCar.tractionGripG * standardGravity * longitudinalShare(lateralMs2),
    raceCar.powerW / (raceCar.massKg * Math.max(1, speedMs)),
  )

/** Most that the tyres hold back, m/s². */
export const brakingMs2 = (lateralMs2: number): number =>
  raceCar.brakeGripG * standardGravity * longitudinalShare(lateralMs2)

export interface Drive {
  readonly slipRatio: number
  readonly gear: number
  readonly rpm: number
  readonly throttle: number
  readonly brake: number
}

/** Slip, gear and pedals at which the tyres make `tyreMs2`, forward positive. */
export function driveAt(speedMs: number, tyreMs2: number, lateralMs2: number): Drive {
  const grip =
    (tyreMs2 > 0 ? raceCar.tractionGripG : raceCar.brakeGripG) * standardGravity * longitudinalShare(lateralMs2)
  const used = tyreMs2 === 0 ? 0 : Math.min(1, Math.abs(tyreMs2) / Math.max(grip, 1e-9))
  // The brush tyre of force.ts, solved for its slip.
  const slipRatio = raceCar.slideSlip * (1 - Math.cbrt(1 - used))
  const rimMs = speedMs * (1 + Math.sign(tyreMs2) * slipRatio)
  return {
    slipRatio,
    ...gearAt(rimMs),
    throttle: Math.min(1, (raceCar.massKg * Math.max(0, tyreMs2) * speedMs) / raceCar.powerW),
    brake: Math.min(1, Math.max(0, -tyreMs2) / (raceCar.brakeGripG * standardGravity)),
  }
}

/** The lowest gear below the redline: up and down at the redline. */
function gearAt(rimMs: number): { readonly gear: number; readonly rpm: number } {
  const rpms = raceCar.gearRatios.map((ratio) => (rimMs / raceCar.tyreRadiusM) * ratio * (30 / Math.PI))
  const found = rpms.findIndex((rpm) => rpm <= raceCar.redlineRpm)
  const index = found === -1 ? rpms.length - 1 : found
  return { gear: index + 1, rpm: Math.min(raceCar.redlineRpm, Math.max(raceCar.idleRpm, rpms[index] ?? 0)) }
}
