import type { ForceSamples, PublishTelemetryRequest, TelemetryFrame } from '../../gen/proto/openracing/v1/telemetry.ts'

/** The largest finite number of the frame's 32-bit floats. */
const floatMax = 3.4028234663852886e38

/** Bits of the contract's TelemetryFlag: yellow to session_paused. */
export const flagMask = 0x7ffff

/** The most force samples of one request, seconds of signal. More is no live signal. */
const forceSecondsMax = 1

type Bounds = readonly [minimum: number, maximum: number]

const finite: Bounds = [-floatMax, floatMax]
const share: Bounds = [0, 1]

/** What each number of a frame may be. Every number has a line here: the type sees to it. */
const boundsOf: Readonly<Record<NumberField, Bounds>> = {
  ffbTorqueNm: finite,
  rpm: finite,
  maxRpm: finite,
  speedMs: finite,
  slipRatio: share,
  gear: [-1, 127], // no gearbox has more; -1 is reverse
  flags: [0, flagMask],
  knownFlags: [0, flagMask],
  throttle: share,
  brake: share,
  clutch: share,
  steeringAngle: finite,
  lateralG: finite,
  longitudinalG: finite,
  verticalG: finite,
  fuelFraction: share,
  engineTemp: finite,
  position: [0, 0xffff_ffff],
  lap: [0, 0xffff_ffff],
  currentLapTime: finite,
  bestLapTime: finite,
  lastLapTime: finite,
  deltaAhead: finite,
  deltaBehind: finite,
  numGears: [0, 0xffff_ffff],
}

/** The numbers that a publisher sends; ffbScalar is the hub's own. */
type NumberField = Exclude<
  {
    [Key in keyof TelemetryFrame]-?: NonNullable<TelemetryFrame[Key]> extends number ? Key : never
  }[keyof TelemetryFrame],
  'ffbScalar'
>

const wheelFields = ['slipAngle', 'tireTemp', 'tirePressure'] as const
const idFields = ['carId', 'trackId', 'sessionId'] as const

const outside = (field: string, value: number, [minimum, maximum]: Bounds): string | undefined =>
  // NaN is not within anything.
  value >= minimum && value <= maximum ? undefined : `${field} is ${value}; send ${minimum} to ${maximum}`

function numberProblem(frame: TelemetryFrame): string | undefined {
  for (const field of Object.keys(boundsOf) as NumberField[]) {
    const value = frame[field]
    const problem = value === undefined ? undefined : outside(field, value, boundsOf[field])
    if (problem !== undefined) return problem
  }
  return undefined
}

function wheelProblem(frame: TelemetryFrame): string | undefined {
  for (const field of wheelFields) {
    const values = frame[field]
    if (values.length !== 0 && values.length !== 4) return `${field} has ${values.length} values; send four or none`
    const wrong = values.find((value) => !Number.isFinite(value))
    if (wrong !== undefined) return `${field} has ${wrong}; send finite numbers`
  }
  return undefined
}

function idProblem(frame: TelemetryFrame): string | undefined {
  // A NUL would end the text early in the frame; the others could repaint the terminal of whoever prints it.
  const wrong = idFields.find((field) => /\p{Cc}/u.test(frame[field] ?? ''))
  return wrong === undefined ? undefined : `${wrong} has a control character; send printable text`
}

function forceProblem({ samples, sampleRateHz }: ForceSamples): string | undefined {
  const rateProblem = outside('sample_rate_hz', sampleRateHz, [1, 1000])
  if (rateProblem !== undefined) return rateProblem
  if (samples.length > sampleRateHz * forceSecondsMax) {
    return `force has ${samples.length} samples at ${sampleRateHz} Hz; send at most ${forceSecondsMax} s at once`
  }
  const wrong = samples.find((sample) => !(sample >= -1 && sample <= 1))
  return wrong === undefined ? undefined : `force has the sample ${wrong}; send -1 to 1`
}

/** What is wrong with a request, in a sentence; undefined when every value of it is finite and within its bounds. */
export function telemetryProblem({ frame, force }: PublishTelemetryRequest): string | undefined {
  const inFrame = frame && (numberProblem(frame) ?? wheelProblem(frame) ?? idProblem(frame))
  return inFrame ?? (force && forceProblem(force))
}
