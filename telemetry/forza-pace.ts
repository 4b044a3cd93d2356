// When the datagrams of a dump were sent. TimestampMS counts real time, but in steps of the console's timer (15 or
// 16 ms), so neighbours share a value though the game sent them evenly. Within a stretch without a gap the datagrams
// are therefore spread evenly between the first and the last timestamp; gaps keep their length.

export interface Pace {
  /** ms from the first datagram; rises strictly. One for each timestamp. */
  readonly atMs: readonly number[]
  readonly rateHz: number
}

/** A step above this is a gap, ms: six frames at 60 Hz, and the age at which the rig stops trusting its input. */
const gapMs = 100
/** A step above this, or backwards, is another session, not time that passed: one period is put there. ms. */
const sessionGapMs = 5000
/** Rate where the timestamps make none, Hz: what the documentation of the game states. */
const statedRateHz = 60
/** A stretch with a rate outside this has timestamps that mean nothing, Hz. */
const plausibleRateHz = { min: 20, max: 250 }

/** `timestampsMs` are u32 and may wrap. At least one. */
export function paceForza(timestampsMs: readonly number[]): Pace {
  const atMs: number[] = []
  let startMs = 0
  for (const stretch of stretchesOf(timestampsMs)) {
    const periodMs = periodOf(stretch)
    for (let index = 0; index < stretch.count; index++) atMs.push(startMs + index * periodMs)
    startMs += (stretch.count - 1) * periodMs + (stretch.gapMs ?? periodMs)
  }
  const spanMs = atMs.at(-1) ?? 0
  return { atMs, rateHz: spanMs > 0 ? ((atMs.length - 1) * 1000) / spanMs : statedRateHz }
}

interface Stretch {
  count: number
  spanMs: number
  /** Time to the next stretch; undefined where that cannot be told. */
  gapMs: number | undefined
}

function stretchesOf(timestampsMs: readonly number[]): Stretch[] {
  let current: Stretch = { count: 1, spanMs: 0, gapMs: undefined }
  const stretches = [current]
  for (let index = 1; index < timestampsMs.length; index++) {
    // Modulo 2^32: a step backwards becomes a very long one forwards.
    const stepMs = ((timestampsMs[index] ?? 0) - (timestampsMs[index - 1] ?? 0)) >>> 0
    if (stepMs <= gapMs) {
      current.count++
      current.spanMs += stepMs
      continue
    }
    current.gapMs = stepMs <= sessionGapMs ? stepMs : undefined
    current = { count: 1, spanMs: 0, gapMs: undefined }
    stretches.push(current)
  }
  return stretches
}

function periodOf({ count, spanMs }: Stretch): number {
  const rateHz = ((count - 1) * 1000) / spanMs
  const makesSense = rateHz >= plausibleRateHz.min && rateHz <= plausibleRateHz.max
  return 1000 / (makesSense ? rateHz : statedRateHz)
}
