import {
  chainMax,
  histogramBuckets,
  histogram as histogramLayout,
  rigStatus as layout,
  rigPlugin as pluginLayout,
  rigPluginBytes,
} from '../../gen/layout.ts'
import type { LoopInterval, PluginInterval } from '../../gen/proto/openracing/v1/rig.ts'
import type { Distribution } from '../../gen/proto/openracing/v1/statistics.ts'
import { upperBoundNs } from '../../shm/histogram.ts'

/** The RigStatus of a loop at one time. */
export interface LoopReading {
  readonly bytes: Buffer
  /** CLOCK_MONOTONIC, ns. */
  readonly atNs: bigint
  readonly running: boolean
}

/** Whose counters lie in a slot. */
export interface SlotOwner {
  readonly slot: number
  /** Changes when the slot goes to another plugin. */
  readonly life: number
  readonly id: string
  readonly name: string
}

/** Counts between two readings, bucket by bucket. */
function countsBetween(earlier: Buffer, later: Buffer, at: number): Uint32Array {
  const counts = new Uint32Array(histogramBuckets)
  for (let bucket = 0; bucket < histogramBuckets; bucket++) {
    const place = at + histogramLayout.counts.offset + bucket * 8
    // The low halves alone: nothing is counted 2^32 times in an interval, and their difference wraps as they do.
    counts[bucket] = later.readUInt32LE(place) - earlier.readUInt32LE(place)
  }
  return counts
}

function quantileUs(counts: Uint32Array, total: number, share: number, maxNs: number): number {
  const rank = Math.ceil(total * share)
  let counted = 0
  for (const [bucket, count] of counts.entries()) {
    counted += count
    if (counted >= rank && count > 0) return Math.min(upperBoundNs(bucket), maxNs) / 1000
  }
  return 0
}

function distributionBetween(earlier: Buffer, later: Buffer, at: number): Distribution {
  const counts = countsBetween(earlier, later, at)
  const total = counts.reduce((sum, count) => sum + count, 0)
  // Of all time: no duration of the interval exceeds it.
  const maxNs = Number(later.readBigUInt64LE(at + histogramLayout.max_ns.offset))
  const us = (share: number): number => quantileUs(counts, total, share, maxNs)
  return { p50: us(0.5), p99: us(0.99), p999: us(0.999), max: us(1) }
}

const pluginAt = (slot: number): number => layout.plugins.offset + slot * rigPluginBytes

function pluginBetween(earlier: Buffer, later: Buffer, { slot, id, name }: SlotOwner): PluginInterval {
  const counted = (field: 'executions' | 'missed_deadlines' | 'left_out' | 'budget_violations'): bigint => {
    const at = pluginAt(slot) + pluginLayout[field].offset
    return later.readBigUInt64LE(at) - earlier.readBigUInt64LE(at)
  }
  return {
    id,
    name,
    executions: counted('executions'),
    missedDeadlines: counted('missed_deadlines'),
    leftOut: counted('left_out'),
    budgetViolations: counted('budget_violations'),
    roundTrip: distributionBetween(earlier, later, pluginAt(slot) + pluginLayout.round_trip.offset),
    cpu: distributionBetween(earlier, later, pluginAt(slot) + pluginLayout.cpu.offset),
  }
}

const ticksOf = (bytes: Buffer): bigint => bytes.readBigUInt64LE(layout.ticks.offset)
const lifeOf = (bytes: Buffer, slot: number): number => bytes.readUInt32LE(pluginAt(slot) + pluginLayout.life.offset)

/** What counted before, as far as `later` goes on from there: counters that began anew count from zero. */
function baseOf(earlier: Buffer, later: Buffer): Buffer {
  if (ticksOf(earlier) > ticksOf(later)) return Buffer.alloc(later.length)
  const base = Buffer.from(earlier)
  for (let slot = 0; slot < chainMax; slot++) {
    if (lifeOf(base, slot) !== lifeOf(later, slot)) base.fill(0, pluginAt(slot), pluginAt(slot) + rigPluginBytes)
  }
  return base
}

/** What the loop did between two readings. `chain`: the plugins in their order. */
export function intervalBetween(earlier: LoopReading, later: LoopReading, chain: readonly SlotOwner[]): LoopInterval {
  const to = later.bytes
  const from = baseOf(earlier.bytes, to)
  const counted = (field: keyof typeof layout): bigint =>
    to.readBigUInt64LE(layout[field].offset) - from.readBigUInt64LE(layout[field].offset)
  const ticks = counted('ticks')
  const rms = (field: 'in_square_sum' | 'out_square_sum'): number => {
    const sum = to.readDoubleLE(layout[field].offset) - from.readDoubleLE(layout[field].offset)
    return ticks === 0n ? 0 : Math.sqrt(Math.max(0, sum) / Number(ticks))
  }
  return {
    elapsedUs: (later.atNs - earlier.atNs) / 1000n,
    running: later.running,
    ticks,
    missedTicks: counted('missed_ticks'),
    lateness: distributionBetween(from, to, layout.lateness.offset),
    duration: distributionBetween(from, to, layout.duration.offset),
    staleInputs: counted('stale_inputs'),
    refusedInputs: counted('refused_inputs'),
    nonFinite: counted('non_finite'),
    clamped: counted('clamped'),
    slewLimited: counted('slew_limited'),
    inRmsNm: rms('in_square_sum'),
    outRmsNm: rms('out_square_sum'),
    estopped: later.running && to.readUInt32LE(layout.estopped.offset) === 1,
    plugins: chain.filter(({ slot, life }) => lifeOf(to, slot) === life).map((owner) => pluginBetween(from, to, owner)),
  }
}
