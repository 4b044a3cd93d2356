import { parse, TomlError } from 'smol-toml'
import type { ZodType } from 'zod'
import { RigError } from '../rpc/failure.ts'
import { type DocumentSource, documentMaxBytes } from './document.ts'
import { type Frozen, freezeDeep } from './freeze.ts'
import { problemOf, remedyFor } from './issue.ts'

/** What a TOML 1.0 document holds. Throws RigError with the source's code; its sentence names `file:line:column`. */
export function parseTomlText(text: string, { file, code }: DocumentSource): unknown {
  const bytes = Buffer.byteLength(text)
  if (bytes > documentMaxBytes) throw new RigError(code, `${file} has ${bytes} bytes; the most is ${documentMaxBytes}`)
  try {
    return parse(text)
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause
    const [what = ''] = cause.message.split('\n', 1)
    throw new RigError(code, `${file}:${cause.line}:${cause.column}: not valid TOML: ${what}`, { cause })
  }
}

/** A value as what `schema` describes, frozen. Its sentence names the file and the path: the parser keeps no places of values. */
export function matchToml<T>(value: unknown, schema: ZodType<T>, { file, code }: DocumentSource): Frozen<T> {
  const parsed = schema.safeParse(value, { error: remedyFor })
  if (parsed.success) return freezeDeep(parsed.data)
  const [first, ...others] = parsed.error.issues
  if (first === undefined) throw new Error('a schema refused without an issue')
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`
  throw new RigError(code, `${file}: ${problemOf(first, value).sentence}${more}`)
}
