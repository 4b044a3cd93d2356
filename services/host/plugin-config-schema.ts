import { Ajv, type ErrorObject } from 'ajv'
import { oneSentence } from '../../input/one-line.ts'

/** Largest configuration with its defaults, bytes of JSON: what a plugin's exchange buffer holds. */
export const completedMaxBytes = 64 * 1024

/** Whether a value has more than `most` bytes as JSON, or so deep that nobody could write it; goes on no longer than that. */
export function isLarger(value: unknown, most: number): boolean {
  let left = most
  const spend = (bytes: number): boolean => {
    left -= bytes
    return left >= 0
  }
  const fits = (part: unknown): boolean => {
    if (typeof part === 'string')
      return spend(part.length) && spend(Buffer.byteLength(JSON.stringify(part)) - part.length)
    if (typeof part !== 'object' || part === null) return spend(JSON.stringify(part).length)
    if (Array.isArray(part)) return spend(Math.max(part.length + 1, 2)) && part.every(fits)
    const entries = Object.entries(part)
    return spend(Math.max(2 * entries.length + 1, 2)) && entries.every(([key, inner]) => fits(key) && fits(inner))
  }
  return !fits(value)
}

/** The path that a JSON pointer (RFC 6901) stands for. */
const pathOf = (pointer: string): (string | number)[] =>
  pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part))

/** What an Ajv error is about, and what to do. */
export interface Mismatch {
  readonly path: readonly (string | number)[]
  /** The key itself must not be there; otherwise its value is wrong or missing. */
  readonly isUnknownKey: boolean
  readonly remedy: string
}

function mismatchOf(error: ErrorObject): Mismatch {
  const path = pathOf(error.instancePath)
  // What the rule repeats of the schema may be as long as that.
  const remedied = (remedy: string): Mismatch => ({ path, isUnknownKey: false, remedy: oneSentence(remedy) })
  switch (error.keyword) {
    case 'additionalProperties':
      return { path: [...path, String(error.params.additionalProperty)], isUnknownKey: true, remedy: 'remove it' }
    case 'required':
      return { path: [...path, String(error.params.missingProperty)], isUnknownKey: false, remedy: 'add it' }
    case 'enum':
      return remedied(`write one of ${JSON.stringify(error.params.allowedValues)}`)
    default:
      return remedied(`it ${error.message ?? `breaks the rule ${error.keyword}`}`)
  }
}

/** What checking a configuration came to. */
export type Checked =
  /** `config` has the schema's defaults. */
  | { readonly config: Record<string, unknown>; readonly mismatches: readonly Mismatch[] }
  /** The schema is none; `fault` is a clause. */
  | { readonly fault: string }
  /** With its defaults the configuration is larger than it may be. */
  | { readonly isTooLarge: true }

/**
 * Checks a configuration against a JSON Schema (draft-07; `format` is not checked; a `$ref` out of the schema is
 * refused) and writes the defaults into it. Both come from the plugin, so this may take years: run it where that can be
 * ended.
 */
export function checkAgainst(schema: object, config: Record<string, unknown>): Checked {
  // An asynchronous schema answers later, and would be taken for a match now.
  if ('$async' in schema) return { fault: 'has $async, which is not JSON Schema; remove it' }
  try {
    // Keys that every object inherits are no keys of a configuration: `constructor` may be required, or a number.
    // A validator each: what one plugin's $id names must not be known to another's $ref.
    const ajv = new Ajv({
      strict: false,
      useDefaults: true,
      validateFormats: false,
      ownProperties: true,
      logger: false,
    })
    const validate = ajv.compile(schema)
    const matches = validate(config) === true
    // Defaults in the items of defaults multiply. What shares its parts has no size until it is written down.
    if (isLarger(config, completedMaxBytes)) return { isTooLarge: true }
    return { config, mismatches: matches ? [] : (validate.errors ?? []).map(mismatchOf) }
  } catch (cause) {
    return { fault: oneSentence(`cannot be used: ${(cause as Error).message}; write a draft-07 JSON Schema`) }
  }
}
