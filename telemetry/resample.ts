// Rebuilds a signal between the values that a game sent with a piecewise cubic that keeps their shape: F. N. Fritsch
// and R. E. Carlson, "Monotone Piecewise Cubic Interpolation", SIAM J. Numer. Anal. 17 (1980) 238-246, with the slopes
// of F. N. Fritsch and J. Butland, SIAM J. Sci. Stat. Comput. 5 (1984) 300-304 (what PCHIP is in MATLAB and SciPy).
// Between two values it never leaves them, so the motor never sees more than the game asked for. Linear
// interpolation has that property too, but kinks at every value: 60 Hz and its harmonics, which a direct drive makes
// audible.

/** A streaming reconstruction. Output sample k lies at the first value's time + k / rateHz: it cannot drift. */
export interface Resampler {
  /**
   * Adds a value at `atMs`, which must be later than the previous one, and returns the samples that are now certain.
   * The slope at a value needs the next one, so output runs one value behind. Throws RangeError for a time that does
   * not rise or a value that is not finite. A gap returns all of its samples at once: the caller bounds gaps.
   */
  push(atMs: number, value: number): number[]
  /** The samples up to the last value. The resampler is at its end. */
  finish(): number[]
}

interface Knot {
  readonly atMs: number
  readonly value: number
}

/** `rateHz` is the rate of the output. */
export function createResampler(rateHz: number): Resampler {
  const stepMs = 1000 / rateHz
  let originMs = 0
  let emitted = 0
  let startSlope = 0
  let from: Knot | undefined
  let to: Knot | undefined

  /** Samples in [from, to), or to `endMs`; the curve has `startSlope` at its start and `endSlope` at its end. */
  const emit = (start: Knot, end: Knot, endSlope: number, endMs: number): number[] => {
    const samples: number[] = []
    for (let atMs = originMs + emitted * stepMs; atMs < endMs; atMs = originMs + emitted * stepMs) {
      samples.push(hermite(start, end, startSlope, endSlope, atMs))
      emitted++
    }
    startSlope = endSlope
    return samples
  }

  const push = (atMs: number, value: number): number[] => {
    if (!Number.isFinite(value)) throw new RangeError(`the value at ${atMs} ms is ${value}`)
    if (to !== undefined && !(atMs > to.atMs)) throw new RangeError(`${atMs} ms is not later than ${to.atMs} ms`)
    const next = { atMs, value }
    if (to === undefined) originMs = atMs
    else if (from === undefined) startSlope = secant(to, next)
    const samples = from && to ? emit(from, to, slopeAt(from, to, next), to.atMs) : []
    from = to
    to = next
    return samples
  }

  const finish = (): number[] => {
    if (to === undefined) return []
    const start = from ?? to
    // Half a microsecond past the last value: its own sample is not lost to rounding.
    const samples = emit(start, to, start === to ? 0 : secant(start, to), to.atMs + 0.0005)
    from = to = undefined
    return samples
  }
  return { push, finish }
}

const secant = (a: Knot, b: Knot): number => (b.value - a.value) / (b.atMs - a.atMs)

/** Flat at an extremum, else the weighted harmonic mean of the secants: at most three times the smaller one. */
function slopeAt(before: Knot, at: Knot, after: Knot): number {
  const left = secant(before, at)
  const right = secant(at, after)
  if (!(left * right > 0)) return 0
  const leftMs = at.atMs - before.atMs
  const rightMs = after.atMs - at.atMs
  const leftWeight = 2 * rightMs + leftMs
  const rightWeight = rightMs + 2 * leftMs
  return (leftWeight + rightWeight) / (leftWeight / left + rightWeight / right)
}

/** Cubic Hermite curve. The bounds hold in exact arithmetic; the clamp holds them in floating point too. */
function hermite(start: Knot, end: Knot, startSlope: number, endSlope: number, atMs: number): number {
  const spanMs = end.atMs - start.atMs
  const t = spanMs === 0 ? 0 : Math.min(1, Math.max(0, (atMs - start.atMs) / spanMs))
  const rest = 1 - t
  const value =
    start.value * (1 + 2 * t) * rest * rest +
    end.value * t * t * (3 - 2 * t) +
    spanMs * t * rest * (startSlope * rest - endSlope * t)
  return Math.min(Math.max(start.value, end.value), Math.max(Math.min(start.value, end.value), value))
}
