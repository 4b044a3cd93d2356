import { runInNewContext } from 'node:vm'
import { Ajv, type ErrorObject } from 'ajv'
import { RigError } from '../../rpc/failure.ts'

/**
 * How long a schema may take, ms. Schema and configuration both come from the plugin: a regular expression that
 * backtracks for years would stop the host. An honest pair is done before an operator notices.
 */
const deadlineMs = 1000

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

function compileAndCheck(schema: object, config: object): readonly ErrorObject[] {
  // A validator each: what one plugin's $id names must not be known to another's $ref.
  const ajv = new Ajv({ strict: false, useDefaults: true, validateFormats: false, logger: false })
  const validate = ajv.compile(schema)
  return validate(config) === true ? [] : (validate.errors ?? [])
}

/**
 * Checks a configuration against a JSON Schema (draft-07; `format` is not checked; a `$ref` out of the schema is
 * refused) and writes the defaults into it. Answers what does not match. Throws RigError MANIFEST_INVALID when the schema
 * is not one, or takes more than a second.
 */
export function checkAgainst(schema: object, config: object, manifestFile: string): readonly Mismatch[] {
  const refuse = (reason: string, cause?: unknown): RigError =>
    new RigError('MANIFEST_INVALID', `config_schema in ${manifestFile} ${reason}`, { cause })
  // An asynchronous schema answers later, and would be taken for a match now.
  if ('$async' in schema) throw refuse('has $async, which is not JSON Schema; remove it')
  try {
    const check = () => compileAndCheck(schema, config)
    const errors: readonly ErrorObject[] = runInNewContext('check()', { check }, { timeout: deadlineMs })
    return errors.map(mismatchOf)
  } catch (cause) {
    // Not instanceof Error: what the other context throws has that context's prototypes.
    const { code, message } = cause as NodeJS.ErrnoException
    const isLate = code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'
    if (isLate) throw refuse(`takes more than ${deadlineMs} ms to check; simplify its patterns`, cause)
    throw refuse(`cannot be used: ${message}; write a draft-07 JSON Schema`, cause)
  }
}
