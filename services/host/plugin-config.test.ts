import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { freezeDeep } from '../../input/freeze.ts'
import { RigError } from '../../rpc/failure.ts'
import { oneLine } from '../../test/hostile.ts'
import { openConfigCheck } from './config-check.ts'
import { readPluginConfig } from './plugin-config.ts'
import { checkAgainst } from './plugin-config-schema.ts'

const root = mkdtempSync(join(tmpdir(), 'openracing-plugin-config-'))
const configs = openConfigCheck()
after(async () => {
  await configs.close()
  rmSync(root, { recursive: true })
})

/** A plugin directory with this `config.json`, or without one. */
function pluginWith(config: string | null): string {
  const directory = mkdtempSync(join(root, 'plugin-'))
  if (config !== null) writeFileSync(join(directory, 'config.json'), config)
  return directory
}

const schema = freezeDeep({
  type: 'object',
  properties: {
    max_rpm: { type: 'number', default: 8000, maximum: 20000 },
    shift_point: { type: 'number', default: 0.9 },
    zones: { type: 'array', items: { type: 'integer' } },
    mode: { enum: ['bar', 'dot'] },
    nested: { type: 'object', default: {}, properties: { on: { type: 'boolean', default: true } } },
  },
})

async function refusal(config: string | null, by: object | null = schema): Promise<string> {
  try {
    await readPluginConfig(pluginWith(config), by, configs)
  } catch (cause) {
    assert.ok(cause instanceof RigError, String(cause))
    return cause.message.replaceAll(/\/\S*\/(?=config\.json|plugin\.yaml)/g, '')
  }
  return assert.fail('was accepted')
}

test('without a config.json a plugin gets the defaults of its schema', async () => {
  const config = await readPluginConfig(pluginWith(null), schema, configs)
  assert.deepEqual(config, { max_rpm: 8000, shift_point: 0.9, nested: { on: true } })
  assert.ok(Object.isFrozen(config) && Object.isFrozen(config.nested))
})

test('a config.json is completed with the defaults that it does not overrule', async () => {
  assert.deepEqual(await readPluginConfig(pluginWith('{"max_rpm": 9000, "led_brightness": 1.0}'), schema, configs), {
    max_rpm: 9000,
    shift_point: 0.9,
    led_brightness: 1,
    nested: { on: true },
  })
})

test('without a schema any JSON object will do, and nothing else', async () => {
  assert.deepEqual(await readPluginConfig(pluginWith('{"a": [1, {"b": null}]}'), null, configs), {
    a: [1, { b: null }],
  })
  assert.deepEqual(await readPluginConfig(pluginWith(null), null, configs), {})
  assert.match(
    await refusal('[1]', null),
    /^CONFIG_INVALID: config\.json:1:1: the document is a list; write a map of keys$/,
  )
  assert.match(await refusal('a: 1', null), /^CONFIG_INVALID: config\.json is not valid JSON/)
})

test('a value that does not match is refused with its place, its value and the bound', async () => {
  assert.equal(
    await refusal('{\n  "max_rpm": 20001\n}'),
    'CONFIG_INVALID: config.json:2:14: max_rpm is 20001; it must be <= 20000',
  )
  assert.equal(
    await refusal('{"zones": [1, "x"]}'),
    'CONFIG_INVALID: config.json:1:15: zones[1] is "x"; it must be integer',
  )
  assert.equal(
    await refusal('{"mode": "ring"}'),
    'CONFIG_INVALID: config.json:1:10: mode is "ring"; write one of ["bar","dot"]',
  )
})

test('a key that is missing or not allowed is named', async () => {
  const strict = { required: ['a'], additionalProperties: false, properties: { a: {} } }
  assert.equal(await refusal('{}', strict), 'CONFIG_INVALID: config.json:1:1: a is missing; add it')
  assert.equal(await refusal(null, strict), 'CONFIG_INVALID: config.json:1:1: a is missing; add it')
  assert.equal(
    await refusal('{"a": 1, "b": 2}', strict),
    'CONFIG_INVALID: config.json:1:10: b is not a known key; remove it',
  )
})

test('a default that breaks its own schema is refused', async () => {
  assert.match(
    await refusal(null, { properties: { a: { type: 'number', default: 'x' } } }),
    /a is missing; it must be number/,
  )
})

test('a configuration of more than 64 KiB is refused, with and without its defaults', async () => {
  assert.match(await refusal(JSON.stringify({ a: 'x'.repeat(65_536) }), null), /has more than 65536 bytes/)
  const large = { properties: { a: { default: 'x'.repeat(65_536) } } }
  assert.match(await refusal(null, large), /bytes with its defaults; the most is 65536/)
})

test('a number for which JSON has no word reaches no plugin', async () => {
  for (const by of [null, {}])
    assert.equal(
      await refusal('{"a": [1e400]}', by),
      'CONFIG_INVALID: config.json:1:8: a[0] is Infinity; write a number that is finite',
    )
})

test('a key that every object inherits is there when it is written, and not before', async () => {
  const by = {
    required: ['constructor'],
    properties: { constructor: { type: 'number' }, toString: { type: 'number' } },
  }
  assert.equal(await refusal('{}', by), 'CONFIG_INVALID: config.json:1:1: constructor is missing; add it')
  const config = await readPluginConfig(pluginWith('{"constructor": 1}'), by, configs)
  assert.deepEqual(Object.entries(config), [['constructor', 1]])
  assert.match(await refusal('{"__proto__": {"a": 1}}', by), /config\.json:1:2: the key __proto__ is never allowed/)
})

test('defaults in the items of defaults, which multiply, are refused before anybody writes them out', () => {
  const many = { default: Array(40).fill({}) }
  const nested = (levels: number): object =>
    levels === 0 ? { default: 'x'.repeat(40) } : { ...many, items: { properties: { a: nested(levels - 1) } } }
  assert.deepEqual(checkAgainst({ properties: { a: nested(3) } }, {}), { isTooLarge: true })
  assert.ok('mismatches' in checkAgainst({ properties: { a: nested(1) } }, {}))
})

test('what a schema says of itself is told on one line and in part', async () => {
  const long = Array.from({ length: 5000 }, (_, n) => `\u001b[2J\u202e${n}`)
  const schemas: readonly object[] = [
    { properties: { a: { enum: long } } },
    { properties: { a: { const: 1, type: 'string', minLength: 9 } } },
    { properties: { a: { pattern: `^\u202e${'b'.repeat(5000)}$` } } },
    { properties: { a: { type: long.join('') } } },
    { properties: { a: { $ref: `#/definitions/\u202e${'c'.repeat(5000)}` } } },
    { properties: { a: { $id: 'x' }, b: { $id: 'x', type: 'number' } } },
    { $id: 'http://json-schema.org/draft-07/schema#' },
    {
      properties: { a: { $ref: '#/definitions/b' } },
      definitions: { b: { $ref: '#/definitions/c' }, c: { $ref: '#/definitions/b' } },
    },
    { properties: { a: { pattern: '(' } } },
    { properties: { a: { $ref: 'file:///etc/passwd' } } },
  ]
  for (const by of schemas) assert.match(await refusal('{"a": "aaa"}', by), oneLine, JSON.stringify(by).slice(0, 200))
})

test('a schema that is none, asks for another document, or answers later is the manifest’s fault', async () => {
  for (const bad of [
    { type: 'objekt' },
    { properties: { a: { $ref: 'https://example.com/schema.json' } } },
    { $schema: 'https://json-schema.org/draft/2020-12/schema' },
    { $async: true },
  ]) {
    assert.match(await refusal('{"a": 1}', bad), /^MANIFEST_INVALID: config_schema in plugin\.yaml /)
  }
})

test('a schema may refer to itself', async () => {
  const tree = { type: 'object', properties: { child: { $ref: '#' }, n: { type: 'integer' } } }
  assert.equal((await refusal('{"child": {"child": {"n": "x"}}}', tree)).includes('child.child.n is "x"'), true)
})

const endless = { properties: { a: { pattern: '^(a+)+$' } } }
const backtracking = (index: number): string => JSON.stringify({ a: `${'a'.repeat(40 + index)}!` })

test('patterns that backtrack for years stop neither the host nor the plugin behind them', async () => {
  let turns = 0
  const beating = setInterval(() => (turns += 1), 1)
  const over: string[] = []
  const told = (what: string) => () => void over.push(what)
  const given = Array.from({ length: 5 }, (_, index) => refusal(backtracking(index), endless))
  const other = readPluginConfig(pluginWith('{"max_rpm": 9000}'), schema, configs)
  await Promise.all([...given.map((each) => each.then(told('given up'))), other.then(told('accepted'))])
  clearInterval(beating)
  assert.deepEqual(over, ['accepted', ...Array(5).fill('given up')])
  for (const sentence of await Promise.all(given)) {
    assert.match(sentence, /^MANIFEST_INVALID: config_schema in plugin\.yaml takes more than 1000 ms to check; /)
  }
  assert.ok(turns > 5, `the event loop went round ${turns} times`)
})

test('what was given up once is refused at once as long as nothing of it changes', async () => {
  const over: string[] = []
  const told = (what: string) => () => void over.push(what)
  const again = refusal(backtracking(0), endless).then(told('known'))
  const changed = refusal('{"a": "aaa!"}', endless).then(told('changed'))
  await Promise.all([again, changed])
  assert.deepEqual(over, ['known', 'changed'])
})

test('references that multiply are given up like a pattern', async () => {
  const levels = Array.from({ length: 30 }, (_, n) => [
    `l${n}`,
    { allOf: [{ $ref: `#/definitions/l${n + 1}` }, { $ref: `#/definitions/l${n + 1}` }] },
  ])
  const definitions = { ...Object.fromEntries(levels), l30: { type: 'number' } }
  assert.match(
    await refusal('{"a": 1}', { definitions, properties: { a: { $ref: '#/definitions/l0' } } }),
    /takes more than 1000 ms to check/,
  )
})

test('a check that is under way when the host ends is ended with it', async () => {
  const ending = openConfigCheck()
  const under = ending.check({ schema: endless, config: JSON.parse(backtracking(9)) })
  await Promise.all([assert.rejects(under, /^RigError: SERVICE_UNAVAILABLE: /), ending.close(), ending.close()])
})
