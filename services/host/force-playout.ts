/** Successive samples of a game's force, as they arrived together. */
export interface ForceBatch {
  /** -1..1, right positive. */
  readonly samples: readonly number[]
  /** 1..1000. */
  readonly rateHz: number
  /** Angle of the steering wheel at the end of the batch, rad, right positive. */
  readonly angle: number
}

/** One frame for the loop. */
export interface ForceFrame {
  /** CLOCK_MONOTONIC, ns. */
  readonly dueNs: bigint
  /** -1..1. */
  readonly force: number
  /** rad. */
  readonly angle: number
  /** rad/s. */
  readonly speed: number
}

/** How far behind its arrival a signal is played, ns: what packets of 60 Hz may be late without a gap. */
export const leadNs = 30_000_000n
/** A signal that is further ahead than this comes faster than time passes, ns. */
export const aheadMaxNs = 80_000_000n
/** Frames are handed out this long before they are due, ns. The loop refuses what is due in more than 100 ms. */
export const handOutNs = 80_000_000n
/** Ticks of the loop a second; a slower signal is interpolated to at least as many. */
const loopHz = 1000
const nsPerSecond = 1_000_000_000n

/** Gives each sample its time, evenly, however unevenly the packets came. Pure: the caller brings the clock. */
export interface ForcePlayout {
  /** Puts a batch behind the ones before it. */
  accept(batch: ForceBatch, nowNs: bigint): void
  /** The frames that are due soon and were not taken yet, in the order of their due times, which never repeat. */
  take(nowNs: bigint): readonly ForceFrame[]
  /** True while there are frames that it is too early for. */
  isWaiting(): boolean
  /** Times that the signal had run dry and began anew. */
  underruns(): number
  /** Samples left out because the signal came faster than time passes. */
  dropped(): number
}

/** Sample `index` is due `index` periods after `startNs`: computed from the start, so that nothing accumulates. */
interface Timeline {
  readonly startNs: bigint
  readonly rateHz: number
  readonly index: number
}

interface Point {
  readonly dueNs: bigint
  readonly force: number
}

const dueNs = ({ startNs, rateHz, index }: Timeline): bigint => startNs + (BigInt(index) * nsPerSecond) / BigInt(rateHz)

/** From just after `from` to `to`, in a straight line, at least once a tick. */
function framesBetween(from: Point | undefined, to: Point, rateHz: number): readonly Point[] {
  if (from === undefined) return [to]
  const parts = Math.ceil(loopHz / rateHz)
  const spanNs = to.dueNs - from.dueNs
  return Array.from({ length: parts }, (_, part) => ({
    dueNs: from.dueNs + (spanNs * BigInt(part + 1)) / BigInt(parts),
    force: part + 1 === parts ? to.force : from.force + ((to.force - from.force) * (part + 1)) / parts,
  }))
}

export function createForcePlayout(): ForcePlayout {
  let timeline: Timeline | undefined
  let last: Point | undefined
  let lastAngle: number | undefined
  let waiting: readonly ForceFrame[] = []
  let underruns = 0
  let dropped = 0

  function begin(rateHz: number, nowNs: bigint): Timeline {
    if (timeline !== undefined) underruns += 1
    last = undefined
    lastAngle = undefined
    return { startNs: nowNs + leadNs, rateHz, index: 0 }
  }

  /** Where the next sample goes. */
  function continueAt(rateHz: number, nowNs: bigint): Timeline {
    if (timeline === undefined || last === undefined || dueNs(timeline) <= nowNs) return begin(rateHz, nowNs)
    return timeline.rateHz === rateHz ? timeline : { startNs: last.dueNs, rateHz, index: 1 }
  }

  /** How many samples to leave out so that the signal is `leadNs` ahead again. */
  function excess(at: Timeline, nowNs: bigint): number {
    const aheadNs = dueNs(at) - nowNs
    return aheadNs > aheadMaxNs ? Number(((aheadNs - leadNs) * BigInt(at.rateHz)) / nsPerSecond) : 0
  }

  function place(samples: readonly number[], at: Timeline): readonly Point[] {
    timeline = at
    return samples.flatMap((force) => {
      const point = { dueNs: dueNs(timeline as Timeline), force }
      const points = framesBetween(last, point, at.rateHz)
      timeline = { ...(timeline as Timeline), index: (timeline as Timeline).index + 1 }
      last = point
      return points
    })
  }

  /** Turns the wheel evenly through the batch: the angle comes once a batch, and a step would look like a blow. */
  function steer(points: readonly Point[], angle: number, seconds: number): readonly ForceFrame[] {
    const from = lastAngle ?? angle
    const speed = (angle - from) / seconds
    lastAngle = angle
    return points.map((point, index) => ({
      ...point,
      angle: from + ((angle - from) * (index + 1)) / points.length,
      speed,
    }))
  }

  return {
    accept({ samples, rateHz, angle }, nowNs) {
      if (samples.length === 0) return
      const at = continueAt(rateHz, nowNs)
      const out = Math.min(samples.length, excess(at, nowNs))
      dropped += out
      const points = place(samples.slice(out), at)
      const frames = steer(points, angle, samples.length / rateHz)
      // Between the samples of a very slow signal lie times that are over.
      waiting = [...waiting, ...frames.filter((frame) => frame.dueNs > nowNs)]
    },
    take(nowNs) {
      const early = waiting.findIndex((frame) => frame.dueNs > nowNs + handOutNs)
      const taken = early === -1 ? waiting : waiting.slice(0, early)
      waiting = waiting.slice(taken.length)
      return taken
    },
    isWaiting: () => waiting.length > 0,
    underruns: () => underruns,
    dropped: () => dropped,
  }
}
