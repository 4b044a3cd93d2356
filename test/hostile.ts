import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type FailureCode, RigError } from '../rpc/failure.ts'

// What tests of hostile input have in common.

/** One line that fits a screen, on which nothing of a stranger moves the cursor or turns the text. */
export const oneLine = /^[^\p{Cc}\p{Bidi_Control}\u2028\u2029]{1,1200}$/u

/** The sentence of a refusal; undefined for what is accepted. Whatever else is thrown fails the test. */
export function refusalOf(act: () => unknown, codes: readonly FailureCode[], shown: string): string | undefined {
  try {
    act()
    return undefined
  } catch (cause) {
    assert.ok(cause instanceof RigError, `${shown} made ${cause instanceof Error ? cause.stack : cause}`)
    assert.ok(codes.includes(cause.code), `${cause.message} of ${shown}`)
    assert.match(cause.message, oneLine, shown)
    return cause.detail
  }
}

/** Maps and lists, from which variants are made. */
export type Tree = Readonly<Record<string, unknown>>

export type Path = readonly (string | number)[]

/** Every place of a tree that has a value, the tree itself first. */
export function pathsIn(value: unknown, path: Path = []): readonly Path[] {
  if (typeof value !== 'object' || value === null) return [path]
  return [path, ...Object.entries(value).flatMap(([key, part]) => pathsIn(part, [...path, key]))]
}

export const valueAt = (tree: unknown, path: Path): unknown =>
  path.reduce<unknown>((value, key) => (value as Tree)[key], tree)

/** A copy of a tree with another value at a place. */
export function put(tree: unknown, [key, ...rest]: Path, value: unknown): unknown {
  if (key === undefined) return value
  const copy: Record<string | number, unknown> = Array.isArray(tree) ? ([...tree] as never) : { ...(tree as object) }
  copy[key] = put(copy[key], rest, value)
  return copy
}

export const named = (path: Path): string => path.join('.') || 'the document'

/** Text that a parser may stumble over. */
export const oddText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.string({ unit: fc.constantFrom(...'\n\t\r :-?[]{},#&*!|>\'"%@`=.\\<\0\u0085\u2028\ufeff'), maxLength: 6 }),
)

/** Some pieces of a text replaced by others. */
export const editsWith = (piece: fc.Arbitrary<string>) =>
  fc.array(fc.tuple(fc.nat(), fc.nat(30), piece), { minLength: 1, maxLength: 4 })

export const edited = (text: string, changes: readonly (readonly [number, number, string])[]): string =>
  changes.reduce((now, [at, length, piece]) => {
    const from = at % (now.length + 1)
    return now.slice(0, from) + piece + now.slice(from + length)
  }, text)

/** Holds a property against many values, and prints the seed with which a failure comes back. */
export function always<Values extends [unknown, ...unknown[]]>(
  what: string,
  property: fc.IProperty<Values>,
  numRuns: number,
): void {
  const seed = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31))
  console.log(`${what}: ${numRuns} runs, FUZZ_SEED=${seed}`)
  fc.assert(property, { numRuns, seed })
}
