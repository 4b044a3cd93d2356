import { createResampler } from './resample.ts'
import { createTexture } from './texture.ts'

/** Rate of the force in every record, Hz: the rig's. */
export const forceRateHz = 1000

/**
 * How long the last force is held while packets are refused, ms, before it is 0. The rig does the same to an input
 * that stops (100 ms, then a ramp).
 */
const holdMs = 100

/** Turns the values that a game sends, or that are derived, into samples at 1000 Hz. Times rise from call to call. */
export interface ForceTrack {
  /** The force at `atMs`, -1..1; `roughness` is the amplitude of the road's texture on it, 0..1. */
  at(atMs: number, force: number, roughness?: number): number[]
  /** A packet that should have been there: the last force for 100 ms, then none. */
  missing(atMs: number): number[]
  /** What is left when the recording ends. */
  finish(): number[]
}

export function createForceTrack(seed: number): ForceTrack {
  const resampler = createResampler(forceRateHz)
  const texture = createTexture(seed)
  let roughness = 0
  let last = { atMs: Number.NEGATIVE_INFINITY, force: 0 }

  const finished = (samples: number[]): number[] =>
    samples.map((sample) => Math.min(1, Math.max(-1, roughness === 0 ? sample : sample + roughness * texture())))

  const add = (atMs: number, force: number, nextRoughness: number): number[] => {
    const samples = finished(resampler.push(atMs, Math.min(1, Math.max(-1, force))))
    roughness = nextRoughness
    return samples
  }
  return {
    at(atMs, force, nextRoughness = 0) {
      last = { atMs, force }
      return add(atMs, force, nextRoughness)
    },
    missing: (atMs) => add(atMs, atMs - last.atMs <= holdMs ? last.force : 0, 0),
    finish: () => finished(resampler.finish()),
  }
}
