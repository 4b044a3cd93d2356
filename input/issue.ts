import { types } from 'node:util'
import type { core } from 'zod'
import { closest } from './closest.ts'

type RawIssue = core.$ZodRawIssue

/** Longest value that a message repeats, characters. More would push the remedy off a terminal line. */
const shownCharacters = 60

/** What zod calls a type, as a driver would. */
const wordsFor: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  int: 'a whole number',
  number: 'a number',
  object: 'a map of keys',
  record: 'a map of keys',
  string: 'text',
}

const shorten = (text: string): string => (text.length > shownCharacters ? `${text.slice(0, shownCharacters)}…` : text)

/** A value as a message shows it. */
export function show(value: unknown): string {
  if (value === null) return 'empty'
  if (Array.isArray(value)) return 'a list'
  if (types.isDate(value)) return 'a date'
  if (typeof value === 'object') return 'a map'
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return shorten(text)
}

/** `plugins.enabled[2]`; keys that are not plain words are quoted, long ones cut. */
export function showPath(path: readonly PropertyKey[]): string {
  const parts = path.map((part, index) => {
    if (typeof part === 'number') return `[${part}]`
    const plain = /^[\w$-]+$/.test(String(part))
    if (!plain) return `[${shorten(JSON.stringify(String(part)))}]`
    return index === 0 ? shorten(String(part)) : `.${shorten(String(part))}`
  })
  return parts.join('') || 'the document'
}

const orSuggest = (word: string, known: readonly string[], otherwise: string): string => {
  const meant = closest(word, known)
  return meant === undefined ? otherwise : `${otherwise}; did you mean ${meant}?`
}

function knownKeys(issue: RawIssue): readonly string[] {
  const definition = issue.inst?._zod.def
  return definition !== undefined && 'shape' in definition ? Object.keys(definition.shape as object) : []
}

/**
 * What to do about an issue for which the schema has no words of its own. Given to zod as its error map, which is the
 * only place where zod still says which schema refused.
 */
export function remedyFor(issue: RawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return `write ${wordsFor[issue.expected] ?? issue.expected}`
    case 'invalid_value': {
      const values = issue.values.map(String)
      const otherwise = values.length === 1 ? `write ${values[0]}` : `write one of ${values.join(', ')}`
      // A map may have a key toString, which is nothing to call.
      return typeof issue.input === 'string' ? orSuggest(issue.input, values, otherwise) : otherwise
    }
    case 'unrecognized_keys': {
      const known = knownKeys(issue)
      const otherwise = `remove it; the keys here are ${known.join(', ')}`
      const meant = closest(String(issue.keys[0]), known)
      return meant === undefined ? otherwise : `did you mean ${meant}?`
    }
    case 'too_big':
      return `the most is ${issue.maximum}${issue.origin === 'string' ? ' characters' : ''}`
    case 'too_small':
      return `the least is ${issue.minimum}${issue.origin === 'string' ? ' character' : ''}`
    default:
      return undefined
  }
}

function valueAt(data: unknown, path: readonly PropertyKey[]): unknown {
  let value = data
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined
    value = (value as Readonly<Record<PropertyKey, unknown>>)[part]
  }
  return value
}

/** One problem of a document: where it is, and the half sentence after the place. */
export interface Problem {
  readonly path: readonly PropertyKey[]
  /** The path ends in a key that is not allowed; the problem is the key and not its value. */
  readonly isKey: boolean
  readonly sentence: string
}

/** The problem that a finished zod issue stands for; `data` is what was parsed. */
export function problemOf(issue: core.$ZodIssue, data: unknown): Problem {
  if (issue.code === 'unrecognized_keys') {
    const path = [...issue.path, issue.keys[0] as string]
    return { path, isKey: true, sentence: `${showPath(path)} is not a known key; ${issue.message}` }
  }
  const value = valueAt(data, issue.path)
  const state = value === undefined ? 'is missing' : `is ${show(value)}`
  return { path: issue.path, isKey: false, sentence: `${showPath(issue.path)} ${state}; ${issue.message}` }
}
