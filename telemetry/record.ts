import type { TelemetryFrame } from '../gen/proto/openracing/v1/telemetry.ts'

/** What one packet of a recording, or one step of the simulator, gives to the rig. */
export interface TelemetryRecord {
  /** Time of the recording, ms from its first record. Never falls. */
  readonly atMs: number
  /** Undefined where the game sent no telemetry (menus) or the packet was refused. */
  readonly frame: TelemetryFrame | undefined
  /**
   * Share of the rig's full torque, -1..1, right positive, at 1000 Hz, for the time since the previous record.
   * Reconstruction needs the next value of the game, so the samples run one value of the game behind `atMs`.
   */
  readonly force: readonly number[]
  /** Packets that were refused, this one included. */
  readonly dropped: number
}

export type RecordingKind = 'forza' | 'gran-turismo' | 'iracing' | 'lap-simulator'

/** Something that can be driven from start to end, again and again. */
export interface Recording {
  readonly kind: RecordingKind
  /** As a driver would call it, with what is known of car and track. */
  readonly game: string
  /** Records a second, on average. */
  readonly frameRateHz: number
  /** A fresh run from the start; runs do not share state. Computed while it is read. */
  records(): Iterable<TelemetryRecord>
}
