import { TelemetryFrame } from '../gen/proto/openracing/v1/telemetry.ts'
import { circuit } from './circuit.ts'
import { standardGravity } from './decoded.ts'
import { packFlags } from './flag.ts'
import { deriveForce, loadOf } from './force.ts'
import { createForceTrack } from './force-track.ts'
import { createLapProfile, type LapPoint, type LapProfile } from './lap-profile.ts'
import { dragMs2, driveAt, raceCar } from './race-car.ts'
import type { Recording, TelemetryRecord } from './record.ts'

/** Frames a second, as the games have. */
export const simulatorRateHz = 60

/** Amplitude of the road's texture in the force, share of full torque, from 20 m/s on; in proportion below. RMS 0.012, 0.011 of it above 50 Hz. */
const roadRoughness = 0.02
const fullRoughnessMs = 20

export interface LapSimulatorOptions {
  /** Laps until the recording ends, above 0. Infinity never ends. */
  readonly laps?: number
  /** Seed of the road's texture, an integer. The same seed gives the same samples. */
  readonly seed?: number
}

/** A car on a lap that repeats, for rigs without a game: a recording that is computed while it is read. Starts at speed on the line. */
export function lapSimulator({ laps = 10, seed = 1 }: LapSimulatorOptions = {}): Recording {
  const profile = createLapProfile(circuit)
  return {
    kind: 'lap-simulator',
    game: 'lap simulator',
    frameRateHz: simulatorRateHz,
    records: () => records(profile, Math.ceil(laps * profile.lapS * simulatorRateHz), seed),
  }
}

function* records(profile: LapProfile, count: number, seed: number): Generator<TelemetryRecord> {
  const track = createForceTrack(seed)
  for (let step = 0; step < count; step++) {
    const timeS = step / simulatorRateHz
    const frame = simulateLap(profile, timeS)
    const force = track.at(timeS * 1000, forceOf(frame), roughnessAt(frame.speedMs ?? 0))
    if (step === count - 1) force.push(...track.finish())
    yield { atMs: timeS * 1000, frame, force, dropped: 0 }
  }
}

/** The frame at `timeS` after the first crossing of the line, 0 or more. The same time gives the same frame. */
export function simulateLap(profile: LapProfile, timeS: number): TelemetryFrame {
  const lap = Math.floor(timeS / profile.lapS)
  const lapTimeS = Math.max(0, timeS - lap * profile.lapS)
  const point = profile.at(lapTimeS)
  const lastLapS = lap > 0 ? profile.lapS : undefined
  return TelemetryFrame.fromPartial({
    timestampUs: BigInt(Math.round(timeS * 1e6)),
    ...motion(point),
    fuelFraction: 1 - (((lap * profile.lengthM + point.distanceM) * raceCar.fuelPerM) % 1),
    position: 1,
    lap,
    currentLapTime: lapTimeS,
    bestLapTime: lastLapS,
    lastLapTime: lastLapS,
    carId: 'point-mass',
    trackId: 'simulator',
    ...packFlags({ sessionPaused: false, inPits: false }),
  })
}

function motion({ speedMs, curvature, accelerationMs2 }: LapPoint): Partial<TelemetryFrame> {
  const lateralMs2 = speedMs ** 2 * curvature
  // Bicycle model: the road wheels need wheelbase / radius, and more the harder the car corners (Milliken, ch. 5).
  const roadWheelRad = raceCar.wheelbaseM * curvature + raceCar.understeerRadPerMs2 * lateralMs2
  return {
    ...driveAt(speedMs, accelerationMs2 + dragMs2(speedMs), lateralMs2),
    clutch: 0,
    maxRpm: raceCar.redlineRpm,
    numGears: raceCar.gearRatios.length,
    speedMs,
    lateralG: lateralMs2 / standardGravity,
    longitudinalG: accelerationMs2 / standardGravity,
    steeringAngle: roadWheelRad * raceCar.steeringRatio,
  }
}

const forceOf = (frame: TelemetryFrame): number => deriveForce(loadOf(frame), raceCar.lateralGripG)

const roughnessAt = (speedMs: number): number => roadRoughness * Math.min(1, speedMs / fullRoughnessMs)
