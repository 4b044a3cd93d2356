import { type CircuitPart, circuitLengthM, sampleCurvature, smoothCurvature } from './circuit.ts'
import { standardGravity } from './decoded.ts'
import { brakingMs2, dragMs2, raceCar, tractionMs2 } from './race-car.ts'

// The fastest lap of a point mass: the speed that each place allows sideways, then one pass forwards that never
// accelerates harder than engine and tyres can, and one backwards that never brakes harder than the tyres can
// (Milliken and Milliken, ch. 9, "pair analysis" of a lap). The lap is closed: it ends at the speed at which it begins.

export interface LapProfile {
  readonly lengthM: number
  readonly lapS: number
  at(lapTimeS: number): LapPoint
}

/** The car at one moment of the lap. */
export interface LapPoint {
  readonly distanceM: number
  readonly speedMs: number
  /** 1/m, right positive. */
  readonly curvature: number
  /** Change of speed, m/s². */
  readonly accelerationMs2: number
}

/** Distance between two places of the profile, about. A car at 60 m/s and 60 Hz moves 1 m a step. m. */
const stepAboutM = 1
/** Length of the transition between straight and arc, m: about half a second in a slow corner. */
const transitionM = 16

export function createLapProfile(parts: readonly CircuitPart[]): LapProfile {
  const lengthM = circuitLengthM(parts)
  const count = Math.round(lengthM / stepAboutM)
  const stepM = lengthM / count
  const curvature = smoothCurvature(sampleCurvature(parts, count), Math.round(transitionM / stepM))
  const speeds = fastestSpeeds(curvature, stepM)

  const arrivals = [0]
  for (let node = 0; node < count; node++) {
    arrivals.push((arrivals[node] ?? 0) + (2 * stepM) / (at(speeds, node) + at(speeds, node + 1)))
  }
  const lapS = arrivals[count] ?? 0

  const pointAt = (lapTimeS: number): LapPoint => {
    const node = lastAtOrBefore(arrivals, lapTimeS, count - 1)
    const [from, to] = [at(speeds, node), at(speeds, node + 1)]
    const spentS = lapTimeS - (arrivals[node] ?? 0)
    const accelerationMs2 = (to ** 2 - from ** 2) / (2 * stepM)
    const withinM = from * spentS + (accelerationMs2 * spentS ** 2) / 2
    const turn = at(curvature, node) + ((at(curvature, node + 1) - at(curvature, node)) * withinM) / stepM
    return {
      distanceM: node * stepM + withinM,
      speedMs: from + accelerationMs2 * spentS,
      curvature: turn,
      accelerationMs2,
    }
  }
  return { lengthM, lapS, at: pointAt }
}

/** Speeds at the places of a closed lap, m/s. */
function fastestSpeeds(curvature: readonly number[], stepM: number): number[] {
  const topMs = Math.cbrt(raceCar.powerW / raceCar.dragKgPerM)
  const speeds = curvature.map((turn) =>
    Math.min(topMs, Math.sqrt((raceCar.lateralGripG * standardGravity) / Math.max(1e-9, Math.abs(turn)))),
  )
  const count = speeds.length
  // Twice around each way: the first lap finds the speed at which the second one begins.
  for (let step = 0; step < 2 * count; step++) {
    limit(
      speeds,
      step,
      step + 1,
      (speed) => tractionMs2(speed, lateral(speed, curvature, step)) - dragMs2(speed),
      stepM,
    )
  }
  for (let step = 2 * count; step > 0; step--) {
    limit(speeds, step, step - 1, (speed) => brakingMs2(lateral(speed, curvature, step)) + dragMs2(speed), stepM)
  }
  return speeds
}

/** Lowers the speed at `to` to what can be reached from `from`, node numbers that go around the lap. */
function limit(speeds: number[], from: number, to: number, gain: (speedMs: number) => number, stepM: number): void {
  const speed = at(speeds, from)
  const reachable = Math.sqrt(Math.max(1, speed ** 2 + 2 * stepM * gain(speed)))
  speeds[to % speeds.length] = Math.min(at(speeds, to), reachable)
}

const lateral = (speedMs: number, curvature: readonly number[], node: number): number =>
  speedMs ** 2 * at(curvature, node)

const at = (values: readonly number[], node: number): number => values[node % values.length] ?? 0

/** Index of the last of the rising `values` that is not above `wanted`, 0..most. */
function lastAtOrBefore(values: readonly number[], wanted: number, most: number): number {
  let [low, high] = [0, most]
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((values[middle] ?? 0) <= wanted) low = middle
    else high = middle - 1
  }
  return low
}
