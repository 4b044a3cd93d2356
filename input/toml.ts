import { types } from 'node:util'
import { parse, TomlError } from 'smol-toml'
import type { ZodType } from 'zod'
import { RigError } from '../rpc/failure.ts'
import { checkSize, type DocumentSource } from './document.ts'
import { type Frozen, freezeDeep } from './freeze.ts'
import { problemOf, remedyFor } from './issue.ts'
import { oneSentence, onOneLine } from './one-line.ts'
import { depthMax, forbiddenKey, keyIsForbidden, tooDeep } from './structure.ts'
import { type Place, placesIn } from './toml-places.ts'

/** A TOML 1.0 document: what it holds, and the text that has the places of that. */
export interface TomlDocument {
  readonly text: string
  readonly value: unknown
}

function refusal(source: DocumentSource, at: Place | undefined, sentence: string, options?: ErrorOptions): RigError {
  const place = at === undefined ? '' : `:${at.line}:${at.column}`
  return new RigError(source.code, `${onOneLine(source.file)}${place}: ${oneSentence(sentence)}`, options)
}

/** The order of the text; what has no place comes last. */
function compare(a: Place | undefined, b: Place | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined)
  return a.line - b.line || a.column - b.column
}

const isBranch = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !types.isDate(value)

/** What no schema can see: keys with a meaning of their own, and depth, which dots make without any brackets. */
function checkStructure(document: TomlDocument, source: DocumentSource): void {
  const open: (readonly [value: object, path: readonly PropertyKey[]])[] = []
  const enter = (value: unknown, path: readonly PropertyKey[]): void => {
    if (isBranch(value)) open.push([value, path])
  }
  const refuse = (path: readonly PropertyKey[], sentence: string): RigError =>
    refusal(source, placesIn(document.text)(path, true), sentence)
  enter(document.value, [])
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [value, path] = next
    if (path.length >= depthMax) throw refuse(path, tooDeep)
    if (Object.hasOwn(value, forbiddenKey)) throw refuse([...path, forbiddenKey], keyIsForbidden)
    if (Array.isArray(value)) for (const [index, item] of value.entries()) enter(item, [...path, index])
    else for (const [key, item] of Object.entries(value)) enter(item, [...path, key])
  }
}

/** Reads TOML 1.0. Throws RigError with the source's code; its sentence names `file:line:column`. */
export function parseToml(text: string, source: DocumentSource): TomlDocument {
  checkSize(text, source)
  let value: unknown
  try {
    value = parse(text, { maxDepth: depthMax })
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause
    const [what = ''] = cause.message.split('\n', 1)
    throw refusal(source, cause, `not valid TOML: ${what}`, { cause })
  }
  const document = { text, value }
  checkStructure(document, source)
  return document
}

/**
 * A document as what `schema` describes, frozen. Throws RigError with the source's code; its sentence names
 * `file:line:column`, the path, the value and what to do about the first problem in the file.
 */
export function matchToml<T>(document: TomlDocument, schema: ZodType<T>, source: DocumentSource): Frozen<T> {
  const parsed = schema.safeParse(document.value, { error: remedyFor })
  if (parsed.success) return freezeDeep(parsed.data)
  const placeOf = placesIn(document.text)
  const placed = parsed.error.issues.map((issue) => {
    const problem = problemOf(issue, document.value)
    return { sentence: problem.sentence, place: placeOf(problem.path, problem.isKey) }
  })
  placed.sort((a, b) => compare(a.place, b.place))
  const [first, ...others] = placed
  if (first === undefined) throw new Error('a schema refused without an issue')
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`
  throw refusal(source, first.place, first.sentence + more)
}
