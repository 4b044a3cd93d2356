import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { stringify } from 'smol-toml'
import { z } from 'zod'
import { RigError } from '../rpc/failure.ts'
import { matchToml, parseToml } from './toml.ts'
import { placesIn } from './toml-places.ts'

const source = { file: 'x.toml', code: 'MANIFEST_INVALID' } as const

function refusal(text: string, schema: z.ZodType = z.unknown()): string {
  try {
    matchToml(parseToml(text, source), schema, source)
  } catch (cause) {
    assert.ok(cause instanceof RigError && cause.code === 'MANIFEST_INVALID', String(cause))
    return cause.detail
  }
  return assert.fail('was accepted')
}

const schema = z.strictObject({
  a: z.strictObject({ b: z.number(), c: z.array(z.strictObject({ d: z.number() })).default([]) }),
})

const wrong: readonly (readonly [text: string, sentence: string])[] = [
  ['[a]\nb = "x"', 'x.toml:2:5: a.b is "x"; write a number'],
  ['a.b = "x"', 'x.toml:1:7: a.b is "x"; write a number'],
  ['a = { b = "x" }', 'x.toml:1:11: a.b is "x"; write a number'],
  ['"a" . \'b\' = "x"', 'x.toml:1:13: a.b is "x"; write a number'],
  ['[a]\nb = 1979-05-27', 'x.toml:2:5: a.b is a date; write a number'],
  ['[a]\nb = 1\n[[a.c]]\nd = 1\n[[a.c]]\nd = "x"', 'x.toml:6:5: a.c[1].d is "x"; write a number'],
  ['[a]\nb = 1\nc = [{ d = 1 }, { d = "x" }]', 'x.toml:3:23: a.c[1].d is "x"; write a number'],
  ['# nothing\n[a]', 'x.toml:2:2: a.b is missing; write a number'],
  ['[a]\nb = 1\nextra = 1', 'x.toml:3:1: a.extra is not a known key; remove it; the keys here are b, c'],
  ['[a]\nb = "x"\ne = 1', 'x.toml:2:5: a.b is "x"; write a number (and 1 more)'],
  ['', 'x.toml:1:1: a is missing; write a map of keys'],
]

for (const [text, sentence] of wrong) {
  test(`${JSON.stringify(text)} is refused with its place, its value and a remedy`, () => {
    assert.equal(refusal(text, schema), sentence)
  })
}

test('__proto__ is refused in every form of a key, and reaches no prototype', () => {
  for (const text of [
    '__proto__.x = 1',
    '"__proto__" = { x = 1 }',
    '[a.__proto__]\nx = 1',
    'a = [{ "__proto__".x = 1 }]',
  ])
    assert.match(refusal(text), /^x\.toml:1:\d+: the key __proto__ is never allowed; remove it$/)
  assert.equal(Reflect.get({}, 'x'), undefined)
})

test('depth without any brackets is depth', () => {
  const tooDeep = /^x\.toml:1:\d+: more than 100 maps and lists lie in each other; flatten them$/
  parseToml(`a${'.a'.repeat(99)} = 1`, source)
  for (const text of [`a${'.a'.repeat(100)} = 1`, `[a${'.a'.repeat(30_000)}]`]) assert.match(refusal(text), tooDeep)
  assert.match(refusal(`a = ${'['.repeat(30_000)}`), /^x\.toml:1:\d+: not valid TOML: .*nested/)
})

const key = fc
  .oneof(fc.constantFrom('a', 'b', 'c d', 'é', '"'), fc.string({ maxLength: 5 }))
  .filter((k) => k !== '__proto__')
const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small' },
    fc.nat(),
    fc.array(tie('tree'), { maxLength: 3 }),
    fc.dictionary(key, tie('tree'), { maxKeys: 3 }),
  ),
}))

/** The numbers in a value, with their paths. */
function numbersIn(value: unknown, path: readonly (string | number)[] = []): (readonly [typeof path, number])[] {
  if (typeof value === 'number') return [[path, value]]
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value as object)
  return entries.flatMap(([part, inner]) => numbersIn(inner, [...path, part]))
}

test('every value of any document is found where it is written', () => {
  fc.assert(
    fc.property(fc.dictionary(key, tree, { maxKeys: 4 }), (value) => {
      const text = stringify(value)
      const read = parseToml(text, source)
      const placeOf = placesIn(text)
      for (const [path, number] of numbersIn(read.value)) {
        const place = placeOf(path, false)
        assert.ok(place !== undefined)
        const rest = (text.split('\n')[place.line - 1] ?? '').slice(place.column - 1)
        assert.ok(rest.startsWith(`${number}`), `${path.join()} at ${place.line}:${place.column} of\n${text}`)
      }
    }),
    { numRuns: 500 },
  )
})
