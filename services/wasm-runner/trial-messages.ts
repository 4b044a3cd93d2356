import { deserialize, serialize } from 'node:v8'
import type { Confinement } from '../../gen/proto/openracing/v1/plugin.ts'
import type { FailureCode } from '../../rpc/failure.ts'
import type { Abi } from './abi.ts'
import type { PluginSpec } from './plugin-spec.ts'
import type { Trial } from './trial.ts'

/** To the process that tries a plugin, on its stdin. */
export interface TrialRequest {
  readonly spec: PluginSpec
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Frames of telemetry of 256 bytes, one after the other. */
  readonly frames: Uint8Array
  /** LEDs of the rim, 1..64. */
  readonly ledCount: number
}

/** From it, on its stdout. */
export type TrialAnswer =
  | {
      readonly kind: 'tried'
      readonly abi: Abi
      readonly compileMs: number
      readonly trial: Trial
      /** What of the kernel kept it in. */
      readonly confinement: Confinement
    }
  /** It is a plugin that does not tick. */
  | { readonly kind: 'on call' }
  | { readonly kind: 'refused'; readonly code: FailureCode; readonly detail: string }

/** Both are whole messages of processes of one version. */
export const encode = (message: TrialRequest | TrialAnswer): Uint8Array => serialize(message)
export const decodeRequest = (bytes: Uint8Array): TrialRequest => deserialize(bytes) as TrialRequest
export const decodeAnswer = (bytes: Uint8Array): TrialAnswer => deserialize(bytes) as TrialAnswer
