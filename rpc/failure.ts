/** Every failure a caller can act on. The text is the operator's documentation of it; docs/failures.md has a page for each. */
export const failures = {
  PLUGIN_UNKNOWN: 'no plugin with this id or name is installed',
  CONSENT_NEEDED: 'the user has not said yes to what this would allow',
  PLUGIN_UNTRUSTED: 'the trust policy refuses the artefact of this plugin',
  KEY_UNKNOWN: 'the trust store has no key with this fingerprint',
  KEY_PROTECTED: 'the key is a system key, which no call changes',
  BUNDLE_MISSING: 'the policy demands a bundle signature, and the plugin has none by a trusted key',
  BUNDLE_INVALID: 'the bundle signature of the plugin cannot be read, or is about another plugin',
  BUNDLE_MANIFEST_CHANGED: 'the manifest is not the one that was signed',
  BUNDLE_ARTEFACT_SUBSTITUTED: 'the artefact is not the one that was signed',
  BUNDLE_EXPIRED: 'what was signed about the plugin was valid until a time that is past',
  BUNDLE_ROLLBACK: 'the plugin is an older version than one that this rig has run',
  PLUGIN_QUARANTINED: 'the plugin is kept from running for what it did',
  PLUGIN_INSTALLED: 'the plugin is installed already, or another one has its directory',
  ARCHIVE_INVALID: 'the archive holds what no archive of a plugin may hold',
  PLUGIN_UNSUPPORTED: 'the plugin is of a kind that this version does not run',
  PLUGIN_INVALID: 'the artefact is not what its manifest says: not WebAssembly, no known ABI, no entry point',
  PLUGIN_ABI_MISMATCH: 'the native library was built for another ABI version',
  PLUGIN_FAILED: 'the plugin started and its own code failed',
  MANIFEST_INVALID: 'the manifest does not match its schema',
  CONFIG_INVALID: 'a configuration file does not match its schema',
  REQUEST_INVALID: 'a field of the request is missing or out of bounds',
  RECORDING_INVALID: 'the file is not a recording that this version can read',
  FILE_MISSING: 'a file that was named does not exist or cannot be read',
  TELEMETRY_NONE: 'no telemetry has arrived yet',
  ADDRESS_IN_USE: 'another process listens on this address',
  HOME_IN_USE: 'another process of the same service runs on this home directory',
  SERVICE_UNAVAILABLE: 'a service that is needed does not answer',
  CALLS_LIMITED: 'a caller calls more often than it may, or has too many calls open',
  SHARED_MEMORY_INVALID: 'a shared memory file is missing, foreign, or of another version',
  RING_IN_USE: 'another process writes into this ring already',
  DEVICE_UNAVAILABLE: 'the wheel does not answer',
  PERMISSION_DENIED: 'the operating system or the policy forbids it',
} as const

export type FailureCode = keyof typeof failures

/** Exit codes of every program of the platform: 0 ok, 1 general, 2 device, 4 validation, 5 service unavailable, 6 permission. */
const exitCodeOf: Record<FailureCode, 1 | 2 | 4 | 5 | 6> = {
  PLUGIN_UNKNOWN: 1,
  CONSENT_NEEDED: 6,
  PLUGIN_UNTRUSTED: 6,
  KEY_UNKNOWN: 1,
  KEY_PROTECTED: 6,
  BUNDLE_MISSING: 6,
  BUNDLE_INVALID: 6,
  BUNDLE_MANIFEST_CHANGED: 6,
  BUNDLE_ARTEFACT_SUBSTITUTED: 6,
  BUNDLE_EXPIRED: 6,
  BUNDLE_ROLLBACK: 6,
  PLUGIN_QUARANTINED: 6,
  PLUGIN_INSTALLED: 1,
  ARCHIVE_INVALID: 4,
  PLUGIN_UNSUPPORTED: 4,
  PLUGIN_INVALID: 4,
  PLUGIN_ABI_MISMATCH: 4,
  PLUGIN_FAILED: 1,
  MANIFEST_INVALID: 4,
  CONFIG_INVALID: 4,
  REQUEST_INVALID: 4,
  RECORDING_INVALID: 4,
  FILE_MISSING: 1,
  TELEMETRY_NONE: 1,
  ADDRESS_IN_USE: 5,
  HOME_IN_USE: 5,
  SERVICE_UNAVAILABLE: 5,
  CALLS_LIMITED: 5,
  SHARED_MEMORY_INVALID: 5,
  RING_IN_USE: 5,
  DEVICE_UNAVAILABLE: 2,
  PERMISSION_DENIED: 6,
}

export interface FailureOptions extends ErrorOptions {
  readonly field?: string
}

/** A failure that somebody can act on. `detail` is one sentence: the place, the value, the bound, the remedy. */
export class RigError extends Error {
  override readonly name = 'RigError'
  readonly code: FailureCode
  readonly detail: string
  /** Path of the field of the request that is wrong, as in the proto: `limits.gain`; undefined where it is no field's. */
  readonly field: string | undefined

  constructor(code: FailureCode, detail: string, options?: FailureOptions) {
    super(`${code}: ${detail}`, options)
    this.code = code
    this.detail = detail
    this.field = options?.field
  }
}

/** REQUEST_INVALID for a field: `page_size` `is 5000; the most is 1000`. */
export const invalidField = (field: string, problem: string, options?: ErrorOptions): RigError =>
  new RigError('REQUEST_INVALID', `${field} ${problem}`, { ...options, field })

/** The exit code of a program that ends because of `cause`. */
export const exitCodeFor = (cause: unknown): number => (cause instanceof RigError ? exitCodeOf[cause.code] : 1)

const forbidden: ReadonlySet<unknown> = new Set(['EACCES', 'EPERM', 'EROFS'])

/** PERMISSION_DENIED when the system forbade it, else `otherwise`: the code for an error of the system. */
export const systemFailure = (cause: unknown, otherwise: FailureCode): FailureCode =>
  cause instanceof Error && 'code' in cause && forbidden.has(cause.code) ? 'PERMISSION_DENIED' : otherwise

/** The failure that `CODE: sentence` tells, or undefined for a text that begins with no code of ours. */
export function parseFailure(text: string, options?: ErrorOptions): RigError | undefined {
  const colon = text.indexOf(': ')
  const code = text.slice(0, Math.max(colon, 0))
  return Object.hasOwn(failures, code) ? new RigError(code as FailureCode, text.slice(colon + 2), options) : undefined
}
