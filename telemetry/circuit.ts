// The simulator's track: straights and arcs that close. Invented, and built from the corners that a rig should feel: a
// slow hairpin, a fast sweeper, a chicane that turns the load around twice, a straight long enough for the top gears.

export interface CircuitPart {
  readonly lengthM: number
  /** 1/m, right positive; 0 on a straight. */
  readonly curvature: number
}

const straight = (lengthM: number): CircuitPart => ({ lengthM, curvature: 0 })
const right = (degrees: number, radiusM: number): CircuitPart => ({
  lengthM: arcM(degrees, radiusM),
  curvature: 1 / radiusM,
})
const left = (degrees: number, radiusM: number): CircuitPart => ({
  lengthM: arcM(degrees, radiusM),
  curvature: -1 / radiusM,
})
const arcM = (degrees: number, radiusM: number): number => (radiusM * degrees * Math.PI) / 180

/** How far a chicane of 45°, 90°, 45° with one radius takes the car along its road, m. It does not move it sideways. */
const chicaneM = (radiusM: number): number => 4 * radiusM * Math.sin(Math.PI / 4)

/** 2.5 km, clockwise, from the start line. East 150, south 250, north 120, west 880, north 70 and east 750 close it. */
export const circuit: readonly CircuitPart[] = [
  straight(150), // the line is near the end of the long straight: a lap begins with what there is to feel
  right(90, 60), //   sweeper
  straight(250),
  right(180, 15), //  hairpin
  straight(120),
  left(90, 40),
  straight(380),
  right(45, 30), //   chicane
  left(90, 30),
  right(45, 30),
  straight(880 - 380 - chicaneM(30)),
  right(90, 45),
  straight(70),
  right(90, 35),
  straight(200 + 550),
]

export const circuitLengthM = (parts: readonly CircuitPart[]): number =>
  parts.reduce((sum, part) => sum + part.lengthM, 0)

/** Curvature at `nodes` places spread evenly over the lap, 1/m. */
export function sampleCurvature(parts: readonly CircuitPart[], nodes: number): number[] {
  const stepM = circuitLengthM(parts) / nodes
  const ends: number[] = []
  for (const part of parts) ends.push((ends.at(-1) ?? 0) + part.lengthM)
  return Array.from({ length: nodes }, (_, node) => {
    const index = ends.findIndex((end) => node * stepM < end)
    return parts[index === -1 ? parts.length - 1 : index]?.curvature ?? 0
  })
}

/**
 * What a driver steers: no car jumps from straight to arc. A mean over `width` nodes of the closed lap, so that the
 * lap turns as far as before and nowhere harder.
 */
export function smoothCurvature(curvature: readonly number[], width: number): number[] {
  const count = curvature.length
  return curvature.map((_, node) => {
    let sum = 0
    for (let offset = 0; offset < width; offset++) sum += curvature[(node + offset - (width >> 1) + count) % count] ?? 0
    return sum / width
  })
}
