import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { freezeDeep } from '../../input/freeze.ts'
import { RigError } from '../../rpc/failure.ts'
import { readPluginConfig } from './plugin-config.ts'

const root = mkdtempSync(join(tmpdir(), 'openracing-plugin-config-'))
after(() => rmSync(root, { recursive: true }))

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

function refusal(config: string | null, by: object | null = schema): string {
  try {
    readPluginConfig(pluginWith(config), by)
  } catch (cause) {
    assert.ok(cause instanceof RigError, String(cause))
    return cause.message.replaceAll(/\/\S*\/(?=config\.json|plugin\.yaml)/g, '')
  }
  return assert.fail('was accepted')
}

test('without a config.json a plugin gets the defaults of its schema', () => {
  const config = readPluginConfig(pluginWith(null), schema)
  assert.deepEqual(config, { max_rpm: 8000, shift_point: 0.9, nested: { on: true } })
  assert.ok(Object.isFrozen(config) && Object.isFrozen(config.nested))
})

test('a config.json is completed with the defaults that it does not overrule', () => {
  assert.deepEqual(readPluginConfig(pluginWith('{"max_rpm": 9000, "led_brightness": 1.0}'), schema), {
    max_rpm: 9000,
    shift_point: 0.9,
    led_brightness: 1,
    nested: { on: true },
  })
})

test('without a schema any JSON object will do, and nothing else', () => {
  assert.deepEqual(readPluginConfig(pluginWith('{"a": [1, {"b": null}]}'), null), { a: [1, { b: null }] })
  assert.deepEqual(readPluginConfig(pluginWith(null), null), {})
  assert.match(refusal('[1]', null), /^CONFIG_INVALID: config\.json:1:1: the document is a list; write a map of keys$/)
  assert.match(refusal('a: 1', null), /^CONFIG_INVALID: config\.json is not valid JSON/)
})

test('a value that does not match is refused with its place, its value and the bound', () => {
  assert.equal(
    refusal('{\n  "max_rpm": 20001\n}'),
    'CONFIG_INVALID: config.json:2:14: max_rpm is 20001; it must be <= 20000',
  )
  assert.equal(refusal('{"zones": [1, "x"]}'), 'CONFIG_INVALID: config.json:1:15: zones[1] is "x"; it must be integer')
  assert.equal(
    refusal('{"mode": "ring"}'),
    'CONFIG_INVALID: config.json:1:10: mode is "ring"; write one of ["bar","dot"]',
  )
})

test('a key that is missing or not allowed is named', () => {
  const strict = { required: ['a'], additionalProperties: false, properties: { a: {} } }
  assert.equal(refusal('{}', strict), 'CONFIG_INVALID: config.json:1:1: a is missing; add it')
  assert.equal(refusal(null, strict), 'CONFIG_INVALID: config.json:1:1: a is missing; add it')
  assert.equal(refusal('{"a": 1, "b": 2}', strict), 'CONFIG_INVALID: config.json:1:10: b is not a known key; remove it')
})

test('a default that breaks its own schema is refused', () => {
  assert.match(
    refusal(null, { properties: { a: { type: 'number', default: 'x' } } }),
    /a is missing; it must be number/,
  )
})

test('a configuration of more than 64 KiB is refused, with and without its defaults', () => {
  assert.match(refusal(JSON.stringify({ a: 'x'.repeat(65_536) }), null), /has more than 65536 bytes/)
  const large = { properties: { a: { default: 'x'.repeat(65_536) } } }
  assert.match(refusal(null, large), /bytes with its defaults; the most is 65536/)
})

test('a schema that is none, asks for another document, or answers later is the manifest’s fault', () => {
  for (const bad of [
    { type: 'objekt' },
    { properties: { a: { $ref: 'https://example.com/schema.json' } } },
    { $schema: 'https://json-schema.org/draft/2020-12/schema' },
    { $async: true },
  ]) {
    assert.match(refusal('{"a": 1}', bad), /^MANIFEST_INVALID: config_schema in plugin\.yaml /)
  }
})

test('a schema may refer to itself', () => {
  const tree = { type: 'object', properties: { child: { $ref: '#' }, n: { type: 'integer' } } }
  assert.equal(refusal('{"child": {"child": {"n": "x"}}}', tree).includes('child.child.n is "x"'), true)
})

test('a pattern that backtracks for years is given up after a second', { timeout: 30_000 }, () => {
  const config = JSON.stringify({ a: `${'a'.repeat(60)}!` })
  assert.match(refusal(config, { properties: { a: { pattern: '^(a+)+$' } } }), /takes more than 1000 ms to check/)
})
