import { Ajv, type ErrorObject } from 'ajv'

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
  switch (error.keyword) {
    case 'additionalProperties':
      return { path: [...path, String(error.params.additionalProperty)], isUnknownKey: true, remedy: 'remove it' }
    case 'required':
      return { path: [...path, String(error.params.missingProperty)], isUnknownKey: false, remedy: 'add it' }
    case 'enum':
      return { path, isUnknownKey: false, remedy: `write one of ${JSON.stringify(error.params.allowedValues)}` }
    default:
      return { path, isUnknownKey: false, remedy: `it ${error.message ?? `breaks the rule ${error.keyword}`}` }
  }
}

/** What checking a configuration came to. */
export type Checked =
  /** `config` has the schema's defaults. */
  | { readonly config: Record<string, unknown>; readonly mismatches: readonly Mismatch[] }
  /** The schema is none; `fault` is a clause. */
  | { readonly fault: string }

/**
 * Checks a configuration against a JSON Schema (draft-07; `format` is not checked; a `$ref` out of the schema is
 * refused) and writes the defaults into it. Both come from the plugin, so this may take years: run it where that can be
 * ended.
 */
export function checkAgainst(schema: object, config: Record<string, unknown>): Checked {
  // An asynchronous schema answers later, and would be taken for a match now.
  if ('$async' in schema) return { fault: 'has $async, which is not JSON Schema; remove it' }
  try {
    // A validator each: what one plugin's $id names must not be known to another's $ref.
    const ajv = new Ajv({ strict: false, useDefaults: true, validateFormats: false, logger: false })
    const validate = ajv.compile(schema)
    const matches = validate(config) === true
    return { config, mismatches: matches ? [] : (validate.errors ?? []).map(mismatchOf) }
  } catch (cause) {
    return { fault: `cannot be used: ${(cause as Error).message}; write a draft-07 JSON Schema` }
  }
}
