import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { z } from 'zod'
import { RigError } from '../rpc/failure.ts'
import { documentMaxBytes, parseJson, parseYaml } from './document.ts'
import { integerWithin, numberWithin } from './number.ts'

const schema = z.strictObject({
  gain: numberWithin(0, 1).optional(),
  leds: integerWithin(1, 64).optional(),
  class: z.enum(['Safe', 'Fast']).optional(),
  loud: z.boolean().optional(),
  names: z.array(z.string()).optional(),
  native: z.strictObject({ allow_unsigned: z.boolean() }).optional(),
  free: z.record(z.string(), z.unknown()).optional(),
})

const source = { file: 'rig.yaml', code: 'CONFIG_INVALID' } as const
const parse = (text: string) => parseYaml(text, schema, source)

function refusal(act: () => unknown): string {
  let thrown: unknown
  try {
    act()
  } catch (cause) {
    thrown = cause
  }
  assert.ok(thrown instanceof RigError, `expected a RigError and got ${thrown}`)
  assert.equal(thrown.code, 'CONFIG_INVALID')
  return thrown.detail
}

test('a document becomes its type, frozen all the way down', () => {
  const value = parse('gain: 0.5\nnative: {allow_unsigned: true}\nnames: [a, b]\n')
  assert.deepEqual(value, { gain: 0.5, native: { allow_unsigned: true }, names: ['a', 'b'] })
  assert.ok(Object.isFrozen(value) && Object.isFrozen(value.native) && Object.isFrozen(value.names))
})

test('a document without content is a document without keys', () => {
  for (const text of ['', '# nothing yet\n', '---\n', 'null\n']) assert.deepEqual(parse(text), {})
})

const refusals: readonly (readonly [name: string, text: string, sentence: string])[] = [
  [
    'a wrong type',
    'native:\n  allow_unsigned: yes please\n',
    'rig.yaml:2:19: native.allow_unsigned is "yes please"; write true or false',
  ],
  ['a number above its bound', 'gain: 1.5\n', 'rig.yaml:1:7: gain is 1.5; write a number from 0 to 1'],
  ['a number that is none', 'gain: .nan\n', 'rig.yaml:1:7: gain is NaN; write a number from 0 to 1'],
  ['an infinite number', 'gain: .inf\n', 'rig.yaml:1:7: gain is Infinity; write a number from 0 to 1'],
  ['a broken number', 'leds: 1.5\n', 'rig.yaml:1:7: leds is 1.5; write a whole number from 1 to 64'],
  ['a missing key', '# a rig\nnative: {}\n', 'rig.yaml:2:9: native.allow_unsigned is missing; write true or false'],
  ['an empty value', 'loud:\n', 'rig.yaml:1:6: loud is empty; write true or false'],
  ['a misspelt word', 'class: fast\n', 'rig.yaml:1:8: class is "fast"; write one of Safe, Fast; did you mean Fast?'],
  ['a misspelt key', 'leds: 3\ngian: 1\n', 'rig.yaml:2:1: gian is not a known key; did you mean gain?'],
  ['an element of a list', 'names:\n  - a\n  - [b]\n', 'rig.yaml:3:5: names[1] is a list; write text'],
  ['a list instead of a map', '- a\n', 'rig.yaml:1:1: the document is a list; write a map of keys'],
  ['a value behind an alias', 'free: {a: &x 9}\ngain: *x\n', 'rig.yaml:2:7: gain is 9; write a number from 0 to 1'],
  [
    'the first of several problems',
    'gain: 2\nleds: 0\nloud: 1\n',
    'rig.yaml:1:7: gain is 2; write a number from 0 to 1 (and 2 more)',
  ],
  [
    'a key that is there twice',
    'gain: 0\nleds: 1\ngain: 1\n',
    'rig.yaml:3:1: the key "gain" is there twice; remove one',
  ],
  [
    'a key that is a list',
    '? [a]\n: 1\n',
    'rig.yaml:1:3: a key is empty, an alias, a list or a map; write text as the key',
  ],
  [
    'a second document',
    'gain: 1\n---\nleds: 1\n',
    'rig.yaml:2:1: a second document starts here; one file is one document',
  ],
  [
    'an alias of nothing',
    'free: {a: *a}\n',
    'rig.yaml:1:11: the alias *a is of nothing before it; write the value out',
  ],
  [
    'a key that is an alias',
    'free: {a: &a b, *a : 1}\n',
    'rig.yaml:1:17: a key is empty, an alias, a list or a map; write text as the key',
  ],
  [
    'a merge, which YAML 1.2 has not',
    'free: {a: &a {b: 1}, c: {<<: *a}}\n',
    'rig.yaml:1:26: YAML 1.2 merges nothing with the key <<; write the keys out',
  ],
  ['bytes', 'gain: !!binary aGk=\n', 'rig.yaml:1:7: not valid YAML: Unresolved tag: tag:yaml.org,2002:binary'],
  ['an alias of itself', 'free: &a {b: *a}\n', 'rig.yaml:1:14: the alias *a contains itself; write the value out'],
]

for (const [name, text, sentence] of refusals) {
  test(`${name} is refused with its place, its value and a remedy`, () => {
    assert.equal(
      refusal(() => parse(text)),
      sentence,
    )
  })
}

test('an unknown key with no likely meaning is answered with the keys that there are', () => {
  assert.equal(
    refusal(() => parse('native:\n  whatever: 1\n  allow_unsigned: true\n')),
    'rig.yaml:2:3: native.whatever is not a known key; remove it; the keys here are allow_unsigned',
  )
})

test('text that is not YAML is refused where it stops being YAML', () => {
  assert.match(
    refusal(() => parse('gain: 1\n  leds: 2\n')),
    /^rig\.yaml:\d+:\d+: not valid YAML: /,
  )
  assert.match(
    refusal(() => parse('gain: !wild 1\n')),
    /^rig\.yaml:1:7: not valid YAML: Unresolved tag/,
  )
})

test('__proto__ is refused wherever it stands and reaches no prototype', () => {
  assert.match(
    refusal(() => parse('__proto__: {loud: true}\n')),
    /^rig\.yaml:1:1: the key __proto__ is never allowed/,
  )
  assert.match(
    refusal(() => parse('free:\n  a:\n    "__proto__": {x: 1}\n')),
    /^rig\.yaml:3:5: the key __proto__/,
  )
  assert.equal(Reflect.get({}, 'x'), undefined)
})

test('words of YAML 1.1 stay words', () => {
  assert.deepEqual(parse('%YAML 1.1\n---\nnames: [no, on, 1_000]\n').names, ['no', 'on', '1_000'])
})

test('aliases that multiply are refused before they are expanded', () => {
  const levels = ['a: &a [x, x, x, x, x, x, x, x, x]']
  for (const [index, letter] of [...'bcdefghi'].entries()) {
    levels.push(`${letter}: &${letter} [${Array(9).fill(`*${'abcdefgh'[index]}`).join(', ')}]`)
  }
  const bomb = `free:\n${levels.map((line) => `  ${line}\n`).join('')}`
  assert.match(
    refusal(() => parse(bomb)),
    /the aliases stand for too many nodes/,
  )
  const many = `names: [&a x, ${Array(101).fill('*a').join(', ')}]\n`
  assert.match(
    refusal(() => parse(many)),
    /more than 100 aliases; write the values out/,
  )
})

test('a document larger than the bound is refused by its size', () => {
  const text = `names: ["${'x'.repeat(documentMaxBytes)}"]\n`
  assert.match(
    refusal(() => parse(text)),
    /^rig\.yaml has \d+ bytes; the most is 1048576$/,
  )
})

test('a document that is nested without end is refused', () => {
  const tooDeep = /^rig\.yaml:\d+:\d+: more than 100 maps and lists lie in each other; flatten them$/
  const nested = (levels: number): string => `free: {a: ${'['.repeat(levels)}${']'.repeat(levels)}}`
  parse(nested(98)) // the document and `free` are the other two
  for (const text of [nested(99), nested(300), `free: ${'['.repeat(50_000)}`]) {
    assert.match(
      refusal(() => parse(text)),
      tooDeep,
    )
  }
  const inAliases = Array.from({ length: 4 }, (_, n) => {
    const inner = n === 0 ? 'x' : `*l${n - 1}`
    return `  l${n}: &l${n} ${'['.repeat(30)}${inner}${']'.repeat(30)}\n`
  })
  assert.match(
    refusal(() => parse(`free:\n${inAliases.join('')}`)),
    tooDeep,
  )
})

test('what a stranger wrote stays on one line, and leaves room for the remedy', () => {
  for (const text of [
    '"\\e[2J\\u2028": 1\n',
    'gain: !\u202e 1\n',
    `? ${'k'.repeat(100_000)}\n: 1\n`,
    `gain: *${'a'.repeat(9999)}\n`,
  ]) {
    const sentence = refusal(() => parse(text))
    assert.match(sentence, /^rig\.yaml:1:\d+: [^\p{Cc}\p{Bidi_Control}\u2028\u2029]{1,700}$/u)
  }
  assert.match(
    refusal(() => parse(`? ${'k'.repeat(100_000)}\n: 1\n`)),
    /: k{60}… is not a known key; remove it; the keys here are gain, /,
  )
})

test('a megabyte of problems is told of in the time that reading it takes', { timeout: 60_000 }, () => {
  const record = z.record(z.string(), z.number())
  const text = JSON.stringify(Object.fromEntries(Array.from({ length: 50_000 }, (_, index) => [`k${index}`, 'x'])))
  assert.equal(
    refusal(() => parseJson(text, record, source)),
    'rig.yaml:1:7: k0 is "x"; write a number (and 49999 more)',
  )
})

test('a megabyte of keys is checked for duplicates in the time that reading it takes', { timeout: 60_000 }, () => {
  const keys = Array.from({ length: 80_000 }, (_, index) => `  k${index}: 1\n`)
  assert.equal(Object.keys(parse(`free:\n${keys.join('')}`).free ?? {}).length, 80_000)
})

test('any JSON is read as what JSON.parse makes of it', () => {
  const holds = (text: string): void =>
    assert.deepEqual(parseJson(text, z.unknown(), { file: 'a.json', code: 'CONFIG_INVALID' }), JSON.parse(text))
  const isOurs = (text: string): boolean => !/__proto__/.test(text)
  fc.assert(fc.property(fc.json().filter(isOurs), holds), { numRuns: 1000 })
  const indented = fc.jsonValue({ maxDepth: 5, stringUnit: 'binary' }).map((value) => JSON.stringify(value, null, '\t'))
  fc.assert(fc.property(indented.filter(isOurs), holds), { numRuns: 1000 })
  for (const text of [
    '[1E5, -0, 1e-7, 0.10, 123456789012345678901234567890]',
    '{"<<": 1, "y": "~", "~": null}',
    '"\u2028\u0085"',
  ])
    holds(text)
})

test('JSON is read as JSON, with tabs and escapes, and its values have places', () => {
  const text = '{\n\t"names": ["\\ud83c\\udfce", "a\\/b"],\n\t"gain": 2\n}'
  const json = (value: string) => parseJson(value, schema, { file: 'a.json', code: 'CONFIG_INVALID' })
  assert.equal(
    refusal(() => json(text)),
    'a.json:3:10: gain is 2; write a number from 0 to 1',
  )
  assert.deepEqual(json(text.replace('2', '1')), { names: ['🏎', 'a/b'], gain: 1 })
  assert.match(
    refusal(() => json('gain: 1')),
    /^a\.json is not valid JSON: /,
  )
  assert.equal(
    refusal(() => json('null')),
    'a.json:1:1: the document is empty; write a map of keys',
  )
  assert.match(
    refusal(() => json('{"gain": 1, "gain": 0}')),
    /the key "gain" is there twice/,
  )
})
