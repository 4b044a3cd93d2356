import { type Document, LineCounter, parseDocument } from 'yaml'
import type { core, ZodType } from 'zod'
import { type FailureCode, RigError } from '../rpc/failure.ts'
import { type Frozen, freezeDeep } from './freeze.ts'
import { type Problem, problemOf, remedyFor } from './issue.ts'
import { oneSentence, onOneLine } from './one-line.ts'
import { offsetsIn } from './position.ts'
import { aliasMax, structureFault, tooDeep } from './structure.ts'

/** Largest document, bytes: a hundred times the longest manifest that the guides print. */
export const documentMaxBytes = 1024 * 1024

/** Where a text came from and which failure it is when it does not match. */
export interface DocumentSource {
  /** As messages name it. */
  readonly file: string
  readonly code: FailureCode
  /** Largest text, bytes; `documentMaxBytes` where it is not said. */
  readonly maxBytes?: number
}

/** Throws when a text has more bytes than its source may have. */
export function checkSize(text: string, { file, code, maxBytes = documentMaxBytes }: DocumentSource): void {
  const bytes = Buffer.byteLength(text)
  if (bytes <= maxBytes) return
  throw new RigError(code, `${onOneLine(file)} has ${bytes} bytes; the most is ${maxBytes}`)
}

type Fail = (offset: number, sentence: string) => RigError

function failWith(source: DocumentSource, lines: LineCounter): Fail {
  return (offset, sentence) => {
    const { line, col } = lines.linePos(offset)
    const place = `${onOneLine(source.file)}:${Math.max(line, 1)}:${Math.max(col, 1)}`
    return new RigError(source.code, `${place}: ${oneSentence(sentence)}`)
  }
}

function compose(text: string, lines: LineCounter, fail: Fail): Document {
  const document: Document = parseDocument(text, {
    resolveKnownTags: false, // sets, dates and bytes are not what any of our schemas asks for
    schema: 'core', // also when the file says %YAML 1.1, where `no` would be false
    lineCounter: lines,
    prettyErrors: false, // our messages have the place in front
    uniqueKeys: false, // structureFault does it in linear time
    logLevel: 'error', // with `silent` a second document would be dropped without a word
  })
  const syntax = document.errors[0] ?? document.warnings[0]
  if (syntax?.code === 'MULTIPLE_DOCS')
    throw fail(syntax.pos[0], 'a second document starts here; one file is one document')
  if (syntax?.code === 'RESOURCE_EXHAUSTION') throw fail(syntax.pos[0], tooDeep)
  if (syntax !== undefined) throw fail(syntax.pos[0], `not valid YAML: ${syntax.message}`)
  const fault = structureFault(document)
  if (fault !== undefined) throw fail(fault.offset, fault.sentence)
  return document
}

function plainValue(document: Document, fail: Fail): unknown {
  try {
    return document.toJS({ maxAliasCount: aliasMax })
  } catch (cause) {
    if (cause instanceof ReferenceError) throw fail(0, `the aliases stand for too many nodes; write the values out`)
    throw cause
  }
}

function refuse(issues: readonly core.$ZodIssue[], data: unknown, document: Document, fail: Fail): RigError {
  const offsetOf = offsetsIn(document)
  const placed = issues.map((issue) => {
    const problem: Problem = problemOf(issue, data)
    return { problem, offset: offsetOf(problem.path, problem.isKey) }
  })
  placed.sort((a, b) => a.offset - b.offset)
  const [first, ...others] = placed
  if (first === undefined) throw new Error('a schema refused without an issue')
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`
  return fail(first.offset, first.problem.sentence + more)
}

function read<T>(text: string, schema: ZodType<T>, source: DocumentSource, empty: unknown): Frozen<T> {
  const lines = new LineCounter()
  const fail = failWith(source, lines)
  const document = compose(text, lines, fail)
  const data = plainValue(document, fail) ?? empty
  const parsed = schema.safeParse(data, { error: remedyFor })
  if (!parsed.success) throw refuse(parsed.error.issues, data, document, fail)
  return freezeDeep(parsed.data)
}

/**
 * Reads a YAML 1.2 document as what `schema` describes, frozen all the way down; an empty one is one without keys.
 * Throws RigError with the source's code; its sentence names `file:line:column`, the path, the value and what to do
 * about the first problem in the file.
 */
export function parseYaml<T>(text: string, schema: ZodType<T>, source: DocumentSource): Frozen<T> {
  checkSize(text, source)
  return read(text, schema, source, {})
}

/**
 * As parseYaml, for a file that must be JSON, of which null is not empty but something else. JSON is a subset of YAML, and
 * reading it as such adds what JSON.parse does not have: the place of a value, and keys that are there twice.
 */
export function parseJson<T>(text: string, schema: ZodType<T>, source: DocumentSource): Frozen<T> {
  checkSize(text, source)
  try {
    JSON.parse(text)
  } catch (cause) {
    const why = oneSentence((cause as Error).message) // which repeats what it stumbled over
    throw new RigError(source.code, `${onOneLine(source.file)} is not valid JSON: ${why}`, { cause })
  }
  return read(text, schema, source, null)
}
