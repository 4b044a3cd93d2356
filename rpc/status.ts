import { Metadata, status } from '@grpc/grpc-js'
import type { Logger } from 'pino'
import type { Any } from '../gen/proto/google/protobuf/any.ts'
import { BadRequest, ErrorInfo } from '../gen/proto/google/rpc/error_details.ts'
import { Status } from '../gen/proto/google/rpc/status.ts'
import { type FailureCode, parseFailure, RigError } from './failure.ts'

const statusOf: Record<FailureCode, status> = {
  PLUGIN_UNKNOWN: status.NOT_FOUND,
  CONSENT_NEEDED: status.FAILED_PRECONDITION,
  PLUGIN_UNTRUSTED: status.PERMISSION_DENIED,
  KEY_UNKNOWN: status.NOT_FOUND,
  KEY_PROTECTED: status.PERMISSION_DENIED,
  BUNDLE_MISSING: status.PERMISSION_DENIED,
  BUNDLE_INVALID: status.PERMISSION_DENIED,
  BUNDLE_MANIFEST_CHANGED: status.PERMISSION_DENIED,
  BUNDLE_ARTEFACT_SUBSTITUTED: status.PERMISSION_DENIED,
  BUNDLE_EXPIRED: status.PERMISSION_DENIED,
  BUNDLE_ROLLBACK: status.PERMISSION_DENIED,
  PLUGIN_QUARANTINED: status.FAILED_PRECONDITION,
  PLUGIN_INSTALLED: status.ALREADY_EXISTS,
  ARCHIVE_INVALID: status.INVALID_ARGUMENT,
  PLUGIN_UNSUPPORTED: status.UNIMPLEMENTED,
  PLUGIN_INVALID: status.INVALID_ARGUMENT,
  PLUGIN_ABI_MISMATCH: status.FAILED_PRECONDITION,
  PLUGIN_FAILED: status.ABORTED,
  MANIFEST_INVALID: status.INVALID_ARGUMENT,
  CONFIG_INVALID: status.INVALID_ARGUMENT,
  REQUEST_INVALID: status.INVALID_ARGUMENT,
  RECORDING_INVALID: status.INVALID_ARGUMENT,
  FILE_MISSING: status.NOT_FOUND,
  TELEMETRY_NONE: status.NOT_FOUND,
  ADDRESS_IN_USE: status.ALREADY_EXISTS,
  HOME_IN_USE: status.ALREADY_EXISTS,
  SERVICE_UNAVAILABLE: status.UNAVAILABLE,
  CALLS_LIMITED: status.RESOURCE_EXHAUSTED,
  SHARED_MEMORY_INVALID: status.FAILED_PRECONDITION,
  RING_IN_USE: status.ALREADY_EXISTS,
  DEVICE_UNAVAILABLE: status.FAILED_PRECONDITION,
  PERMISSION_DENIED: status.PERMISSION_DENIED,
}

/** The gRPC status of a failure by its name, for the documentation's test. */
export const statusNameOf = (code: FailureCode): string => status[statusOf[code]]

/** What a handler hands to grpc-js. */
export interface StatusObject {
  readonly code: status
  readonly details: string
  readonly metadata?: Metadata
}

/** The trailer in which gRPC libraries look for a google.rpc.Status. */
const trailer = 'grpc-status-details-bin'

const packed = (name: string, value: Uint8Array): Any => ({
  typeUrl: `type.googleapis.com/google.rpc.${name}`,
  value: Buffer.from(value),
})

/** What a program acts on: which failure it is, and which field of the request is wrong (AIP-193). */
function detailsOf(failure: RigError, code: status): Metadata {
  const { code: reason, detail: description, field, message } = failure
  const info = packed('ErrorInfo', ErrorInfo.encode({ reason, domain: 'openracing', metadata: {} }).finish())
  const violation = (field: string) =>
    packed('BadRequest', BadRequest.encode({ fieldViolations: [{ field, description }] }).finish())
  const details = field === undefined ? [info] : [info, violation(field)]
  const metadata = new Metadata()
  metadata.set(trailer, Buffer.from(Status.encode({ code, message, details }).finish()))
  return metadata
}

/** The only place where an exception becomes a gRPC status. */
export function toStatus(cause: unknown, log: Logger): StatusObject {
  if (cause instanceof RigError) {
    const code = statusOf[cause.code]
    return { code, details: cause.message, metadata: detailsOf(cause, code) }
  }
  log.error({ err: cause }, 'handler threw something it did not declare')
  return { code: status.INTERNAL, details: 'internal error' }
}

/** The way back: the failure that a service of ours named in a status, or undefined for any other error. */
export function fromStatus(cause: unknown): RigError | undefined {
  if (!(cause instanceof Error) || !('details' in cause) || typeof cause.details !== 'string') return undefined
  return parseFailure(cause.details, { cause })
}
