import { TelemetryFrame } from '../gen/proto/openracing/v1/telemetry.ts'
import { type Decoded, finiteFrame, positive, refused, share, slipRatio, standardGravity } from './decoded.ts'
import { packFlags } from './flag.ts'
import { type CarLoad, loadOf } from './force.ts'
import type { IbtFile } from './ibt-file.ts'
import { type IracingSession, readIracingSession } from './iracing-session.ts'

// iRacing's axes are x forward, y left, z up, angles anticlockwise: steering, lateral acceleration and torque are
// positive to the *left* and turn their sign here, but for `ffbTorqueNm`, which is what the game reports. (In the
// recording of Spielberg torque and lateral acceleration correlate by -0.86: the wheel pulls out of the corner.)

/** What the force needs of a record. */
export interface IracingFeel {
  /** Torque at the steering shaft, N·m, left positive, evenly over the record's time: six samples where the file has `SteeringWheelTorque_ST`. */
  readonly torqueNm: readonly number[]
  /** The torque that is the driver's full force, N·m. Undefined: the file does not say, torque cannot be normalised. */
  readonly maxForceNm: number | undefined
  readonly load: CarLoad
}

export interface IracingTelemetry {
  readonly session: IracingSession
  readonly recordCount: number
  readonly tickRateHz: number
  /** Torque samples in every record: 6, or 1 in a file without `SteeringWheelTorque_ST`, or 0. */
  readonly torqueCount: number
  /** Record 0..recordCount - 1. Never throws. A record without the driver in the car is not telemetry. */
  decode(record: number): Decoded<IracingFeel>
}

/** A column by name at the current record; undefined where the file does not have it. */
type Column = (name: string) => number | undefined

/** Both kinds of columns. An integer field is only taken from an integer variable: a file may claim any type. */
interface Columns {
  readonly number: Column
  readonly integer: Column
}

function columnsOf(file: IbtFile, record: number): Columns {
  const number: Column = (name) => {
    const variable = file.variables.get(name)
    return variable && file.read(variable, record)
  }
  const integer: Column = (name) => {
    const type = file.variables.get(name)?.type
    return type === 'f32' || type === 'f64' ? undefined : number(name)
  }
  return { number, integer }
}

export function readIracing(file: IbtFile): IracingTelemetry {
  const session = readIracingSession(file.sessionText)
  const torque = file.variables.get('SteeringWheelTorque_ST') ?? file.variables.get('SteeringWheelTorque')
  const torqueCount = torque?.count ?? 0
  const decode = (record: number): Decoded<IracingFeel> => {
    const columns = columnsOf(file, record)
    if (columns.integer('IsOnTrack') === 0) return { kind: 'not-telemetry' }
    const sessionTimeS = columns.number('SessionTime') ?? record / file.tickRateHz
    if (!(sessionTimeS >= 0 && sessionTimeS <= longestSessionS)) return refused(`SessionTime is ${sessionTimeS} s`)
    const frame = TelemetryFrame.fromPartial({
      timestampUs: BigInt(Math.round(sessionTimeS * 1e6)),
      ...carFields(columns.number, session),
      ...driverFields(columns),
      ...lapFields(columns),
      ...packFlags(flagsOf(columns.integer)),
    })
    const torqueNm = torque ? Array.from({ length: torqueCount }, (_, index) => file.read(torque, record, index)) : []
    return finiteFrame(frame, { torqueNm, maxForceNm: maxForce(columns.number), load: loadOf(frame) })
  }
  return { session, recordCount: file.recordCount, tickRateHz: file.tickRateHz, torqueCount, decode }
}

/** A session of ten years: the microseconds still fit in a double without rounding. s. */
const longestSessionS = 10 * 365 * 86_400

const wheelNames = ['LF', 'RF', 'LR', 'RR']

/** psi in a kPa: NIST SP 811. */
const psiPerKpa = 0.145_037_7

function carFields(column: Column, session: IracingSession): Partial<TelemetryFrame> {
  return {
    ffbTorqueNm: column('SteeringWheelTorque'),
    rpm: column('RPM'),
    maxRpm: session.redLineRpm,
    speedMs: column('Speed'),
    slipRatio: slipOf(column),
    lateralG: inG(column('LatAccel'), -1),
    longitudinalG: inG(column('LongAccel'), 1),
    verticalG: withoutGravity(inG(column('VertAccel'), 1)),
    // The surface in the middle of the tread: the carcass temperatures in these files only change in the pits.
    tireTemp: ofWheels(column, 'tempM'),
    tirePressure: ofWheels(column, 'pressure').map((kpa) => kpa * psiPerKpa),
    fuelFraction: shareOf(column('FuelLevelPct')),
    engineTemp: column('WaterTemp'),
    numGears: session.numGears,
    carId: session.carId,
    trackId: session.trackId,
  }
}

function driverFields({ number: column, integer }: Columns): Partial<TelemetryFrame> {
  const clutchEngaged = column('Clutch')
  const steering = column('SteeringWheelAngle')
  return {
    gear: integer('Gear'),
    throttle: shareOf(column('Throttle')),
    brake: shareOf(column('Brake')),
    // The game counts the engagement, every other game the pedal.
    clutch: clutchEngaged === undefined ? undefined : share(1 - clutchEngaged),
    steeringAngle: steering === undefined ? undefined : -steering,
  }
}

function lapFields({ number: column, integer }: Columns): Partial<TelemetryFrame> {
  const lap = integer('Lap') ?? 0
  const currentS = column('LapCurrentLapTime')
  return {
    position: positive(integer('PlayerCarPosition') ?? 0),
    // Laps started: 0 on the way out of the pits, 1 in the first lap.
    lap: lap >= 1 ? lap - 1 : undefined,
    currentLapTime: currentS === -1 ? undefined : currentS,
    bestLapTime: positive(column('LapBestLapTime') ?? 0),
    lastLapTime: positive(column('LapLastLapTime') ?? 0),
  }
}

/** irsdk_Flags, irsdk_EngineWarnings and irsdk_SessionState of the game's SDK. */
const flagMask = { checkered: 0x1, white: 0x2, green: 0x4, yellow: 0x8 | 0x100, red: 0x10, blue: 0x20, caution: 0xc000 }
const warningMask = { pitLimiter: 0x10, revLimiter: 0x20 }
const paradeLaps = 3

function flagsOf(column: Column) {
  const session = column('SessionFlags')
  const warnings = column('EngineWarnings')
  const shown = (mask: number) => (session === undefined ? undefined : (session & mask) !== 0)
  const warned = (mask: number) => (warnings === undefined ? undefined : (warnings & mask) !== 0)
  const truth = (value: number | undefined) => (value === undefined ? undefined : value !== 0)
  const state = column('SessionState')
  return {
    yellow: shown(flagMask.yellow | flagMask.caution),
    red: shown(flagMask.red),
    blue: shown(flagMask.blue),
    checkered: shown(flagMask.checkered),
    green: shown(flagMask.green),
    white: shown(flagMask.white),
    safetyCar: shown(flagMask.caution),
    pitLimiter: warned(warningMask.pitLimiter),
    engineLimiter: warned(warningMask.revLimiter),
    inPits: truth(column('OnPitRoad')),
    absActive: truth(column('BrakeABSactive')),
    formationLap: state === undefined ? undefined : state === paradeLaps,
  }
}

/** All four wheels, or none. */
function ofWheels(column: Column, suffix: string): number[] {
  const values = wheelNames.map((wheel) => column(wheel + suffix))
  return values.every((value) => value !== undefined) ? values : []
}

function slipOf(column: Column): number | undefined {
  const rims = ofWheels(column, 'speed')
  // Along the car where the file says so: in a slide the wheels roll slower than the car moves.
  const groundMs = column('VelocityX') ?? column('Speed')
  return rims.length === 0 || groundMs === undefined ? undefined : slipRatio(rims.map(Math.abs), Math.abs(groundMs))
}

/** Newer files have the first name, older ones the second. */
function maxForce(column: Column): number | undefined {
  return positive(column('SteeringWheelMaxForceNm') ?? column('SteeringWheelPeakForceNm') ?? 0)
}

const inG = (metresPerS2: number | undefined, sign: 1 | -1): number | undefined =>
  metresPerS2 === undefined ? undefined : (sign * metresPerS2) / standardGravity

/** The game's vertical acceleration is 1 g at rest, the other games' is 0: a plugin should not have to know which runs. */
const withoutGravity = (g: number | undefined): number | undefined => (g === undefined ? undefined : g - 1)

const shareOf = (value: number | undefined): number | undefined => (value === undefined ? undefined : share(value))
