/** Fuel that was used, in units of one instruction, and the CPU time that it took. */
export interface Sample {
  readonly units: number
  readonly cpuNs: number
}

/** Units a µs of the slowest and the fastest machine that anybody means: a small board that interprets, and 5 GHz. */
const slowest = 200
const fastest = 40_000

/**
 * How far the code of a plugin may be denser than the yardstick: loops of plain arithmetic, of which V8 makes less than
 * one instruction of the machine for each of WebAssembly's, were up to five times as dense.
 */
const densest = 4

/** Largest change from one tick to the next. From nothing to `densest` it takes twelve ticks. */
const step = 1.125

/** CPU time of a tick that says something, ns: of a shorter one most is the host's own work before and after the call. */
const meaningfulNs = 50_000

const density = ({ units, cpuNs }: Sample): number => units / (cpuNs / 1000)

/** Units a µs of a machine, from runs of the yardstick: their median, so that neither an interrupt nor luck counts. */
export function unitsPerUs(runs: readonly Sample[]): number {
  const sorted = runs.map(density).toSorted((a, b) => a - b)
  const median = sorted[sorted.length >> 1] ?? slowest
  return Math.min(fastest, Math.max(slowest, median))
}

/**
 * The units a µs of one plugin after a tick that came back: it follows the tick, a step at a time, and stays between
 * what was measured of the machine and `densest` times that.
 *
 * It is each plugin's own, because a neighbour's code says nothing about it. It is never less than the machine's: a
 * plugin that waits for memory in every tick but one would be taken for a runaway in that one.
 */
export function follow(current: number, machine: number, tick: Sample): number {
  if (tick.cpuNs < meaningfulNs) return current
  const seen = Math.min(machine * densest, Math.max(machine, density(tick)))
  return Math.min(current * step, Math.max(current / step, seen))
}
