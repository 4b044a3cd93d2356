import type { TelemetryFrame } from '../gen/proto/openracing/v1/telemetry.ts'

// Decoders never throw: whatever arrives on a socket or lies in a file becomes one of these three. The caller counts
// what was refused.

/** What a packet turned out to be. `Extra` is what the force needs beside the frame. */
export type Decoded<Extra extends object = object> =
  | ({ readonly kind: 'frame'; readonly frame: TelemetryFrame } & Extra)
  | NotTelemetry
  | Refused

/** The game runs and says that nobody is driving. */
export interface NotTelemetry {
  readonly kind: 'not-telemetry'
}

export interface Refused {
  readonly kind: 'refused'
  /** One clause: the field, the value, the bound. */
  readonly reason: string
}

export const refused = (reason: string): Refused => ({ kind: 'refused', reason })

/** Shared memory carries f32, so a value must be finite as f32 too: 1e39 is not. */
export const isFiniteFloat = (value: number): boolean => Number.isFinite(Math.fround(value))

/** The first number in `fields` that is not finite as f32, named; undefined when all are. Looks into what it holds. */
export function nonFiniteField(fields: object): string | undefined {
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === 'number' && !isFiniteFloat(value)) return `${name} is ${value}`
    if (typeof value !== 'object' || value === null) continue
    const inside = nonFiniteField(value)
    if (inside !== undefined) return `${name} ${inside}`
  }
  return undefined
}

/** The frame, unless a number in it or in `extra` is not finite. */
export function finiteFrame<Extra extends object>(frame: TelemetryFrame, extra: Extra): Decoded<Extra> {
  const odd = nonFiniteField(frame) ?? nonFiniteField(extra)
  return odd === undefined ? { kind: 'frame', frame, ...extra } : refused(odd)
}

/**
 * A value whose contract is 0..1, clamped to it: games send pedals of -1e-9. What is not finite stays so, and is
 * refused later, instead of becoming a full pedal.
 */
export const share = (value: number): number => (Number.isFinite(value) ? Math.min(1, Math.max(0, value)) : Number.NaN)

/** `value` where it says something, absent where the game has none yet. */
export const positive = (value: number): number | undefined =>
  Number.isFinite(value) && value <= 0 ? undefined : value

/** Standard acceleration of free fall, m/s² (ISO 80000-3). */
export const standardGravity = 9.80665

/**
 * The largest slip ratio of the wheels, 0..1: how far the rim's speed is from the ground's, as a share of the faster.
 * Below 3 m/s the quotient is noise, and 0 is said. Both in m/s.
 */
export function slipRatio(rimSpeedsMs: readonly number[], groundSpeedMs: number): number {
  if (groundSpeedMs < slipFloorMs && rimSpeedsMs.every((rim) => rim < slipFloorMs)) return 0
  const ratios = rimSpeedsMs.map((rim) => Math.abs(rim - groundSpeedMs) / Math.max(slipFloorMs, rim, groundSpeedMs))
  return share(Math.max(...ratios))
}

const slipFloorMs = 3
