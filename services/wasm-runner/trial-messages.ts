import { deserialize, serialize } from 'node:v8'
import type { Confinement } from '../../gen/proto/openracing/v1/plugin.ts'
import type { FailureCode } from '../../rpc/failure.ts'
import type { OnCallAbi, TickingAbi } from './abi.ts'
import type { CallTrial, TrialWish } from './call-trial.ts'
import type { OnCallSpec } from './on-call-spec.ts'
import type { PluginSpec } from './plugin-spec.ts'
import type { Trial } from './trial.ts'

/** A plugin that ticks. */
export interface TickingRequest {
  readonly kind: 'ticking'
  readonly spec: PluginSpec
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Frames of telemetry of 256 bytes, one after the other. */
  readonly frames: Uint8Array
  /** LEDs of the rim, 1..64. */
  readonly ledCount: number
}

/** A plugin that runs when somebody asks. */
export interface CalledRequest {
  readonly kind: 'called'
  readonly spec: OnCallSpec
  readonly bytes: Uint8Array<ArrayBuffer>
  /** See CallTrialNeeds. */
  readonly wish: TrialWish | undefined
}

/** To the process that tries a plugin, on its stdin. */
export type TrialRequest = TickingRequest | CalledRequest

/** What comes of a request. */
export type TrialOf<Request extends TrialRequest> = Request extends TickingRequest ? Trial : CallTrial

/** A plugin that was tried. */
export interface Tried<Request extends TrialRequest> {
  readonly kind: 'tried'
  readonly abi: Request extends TickingRequest ? TickingAbi : OnCallAbi
  readonly compileMs: number
  readonly trial: TrialOf<Request>
  /** What of the kernel kept it in. */
  readonly confinement: Confinement
}

/** From it, on its stdout. */
export type TrialAnswer<Request extends TrialRequest> =
  | Tried<Request>
  | { readonly kind: 'refused'; readonly code: FailureCode; readonly detail: string }

// Both are whole messages of processes of one version: whoever asks knows what the answer is to.

export const encode = (message: TrialRequest | TrialAnswer<TrialRequest>): Uint8Array => serialize(message)
export const decodeRequest = (bytes: Uint8Array): TrialRequest => deserialize(bytes) as TrialRequest
export const decodeAnswer = <Request extends TrialRequest>(bytes: Uint8Array): TrialAnswer<Request> =>
  deserialize(bytes) as TrialAnswer<Request>
