import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { always, edited, editsWith, oddText, refusalOf } from '../../test/hostile.ts'
import { manifestMaxBytes } from './manifest-text.ts'
import { parseTomlManifest } from './manifest-toml.ts'

/** The sentence that refuses a plugin.toml; undefined for one that is good. */
const toml = (text: string): string | undefined =>
  refusalOf(
    () => parseTomlManifest(text, 'plugin.toml'),
    ['MANIFEST_INVALID', 'PLUGIN_UNSUPPORTED'],
    JSON.stringify(text.slice(0, 400)),
  )

const isUnsupported = (sentence: string): boolean => sentence.endsWith('install a WebAssembly build')

const action = `[plugin]
name = "my-plugin"
version = "0.1.0"
description = "What it does"
author = "Somebody"
license = "MIT"
homepage = "https://example.com"
stateful = true
[binary]
path = "my_plugin.wasm"
checksum = "sha256:${'ab'.repeat(32)}"
[capabilities]
required = ["Network"]
optional = ["Filesystem"]
[permissions]
network = ["example.com:80"]
file_system = ["presets", { path = "/srv", access = "read" }]
`

const native = `[plugin]
name = "keys"
version = "1.0.0"
description = "x"
author = "x"
license = "MIT"
type = "action"
binary = "libkeys.so"
[plugin.capabilities]
network = true
`

const stage = `name = "Brain Waves FFT"
version = "0.2.0"
description = "x"
[library]
path = "libfft.so"
[ui]
bundle_path = "ui/bundle.js"
component_name = "Display"
required_props = ["stage_id"]
`

const tomlValues: readonly string[] = [
  ...[
    'true',
    '0',
    '-1',
    '1.5',
    '9007199254740993',
    '9223372036854775808',
    '1e400',
    'nan',
    '-inf',
    '0o17',
    '0xff',
    '1_000',
  ],
  ...[
    '""',
    '"x"',
    '"../x"',
    '"/etc/passwd"',
    '"a\\u0000b"',
    '"\\u001b[2J"',
    '"\\u202e"',
    '"\\ud800"',
    `"${'x'.repeat(5000)}"`,
    "'''x'''",
  ],
  ...['[]', '{}', '[[]]', '[{}]', '{ "" = 1 }', '1979-05-27', '1979-05-27T07:32:00Z', '07:32:00', '1979-13-27'],
  ...[
    '{ __proto__ = { a = 1 } }',
    '{ "__proto__".a = 1 }',
    '{ constructor.prototype.a = 1 }',
    '[1, "a"]',
    'null',
    'yes',
    '',
    '"',
    '"""',
    '[',
    '{',
  ],
]

for (const [form, text] of Object.entries({ action, native, stage })) {
  test(`the manifest of the form ${form} that the variants are made of is good`, () => {
    const sentence = toml(text)
    assert.ok(sentence === undefined || isUnsupported(sentence), sentence)
  })

  test(`whatever stands in the manifest of the form ${form} is taken for what it is or refused with its place`, () => {
    const lines = text.split('\n')
    for (const [index, old] of lines.entries()) {
      const [key = '', found] = old.split(' = ')
      if (found === undefined) continue
      for (const value of tomlValues) {
        const sentence = toml(lines.with(index, `${key} = ${value}`).join('\n'))
        if (sentence === undefined || isUnsupported(sentence)) continue
        assert.match(sentence, new RegExp(`^plugin\\.toml:(${index + 1}|\\d+):\\d+: `), `${key} = ${value}`)
      }
    }
  })

  test(`keys that nobody knows are let be in the form ${form}, and no key makes a prototype`, () => {
    const before = toml(text)
    for (const key of ['unheard_of', 'constructor', 'prototype', 'toString', 'a.b.c'])
      assert.equal(toml(`${key} = 1\n${text}`), before, key)
    for (const hostile of ['__proto__.stateful = true\n', '"__proto__" = 1\n', "'__proto__'.a.b = 1\n"])
      assert.match(toml(hostile + text) ?? '', /^plugin\.toml:1:1: the key __proto__ is never allowed; remove it$/)
    assert.match(toml(`${text}[[x.__proto__]]\na = 1\n`) ?? '', /the key __proto__ is never allowed/)
    assert.equal(Reflect.get({}, 'stateful'), undefined)
  })
}

const refusedToml: readonly (readonly [what: string, text: string, sentence: RegExp])[] = [
  ['a table twice', `${action}[plugin]\n`, /^plugin\.toml:\d+:\d+: not valid TOML/],
  ['a table that a dotted key made', `plugin.name = "x"\n${action}`, /not valid TOML/],
  ['a key below a text', action.replace('[binary]', '[plugin.name]\na = 1\n[binary]'), /not valid TOML/],
  ['a list of tables for a table', action.replace('[plugin]', '[[plugin]]'), /^plugin\.toml:\d+:\d+: /],
  [
    'two kinds of manifest',
    action.replace('stateful', 'binary = "x.so"\nstateful'),
    /plugin\.binary without \[binary\]/,
  ],
  ['no kind of manifest', 'answer = 42\n', /^plugin\.toml:1:1: the document has neither/],
  ['dots without end', `${action}a${'.a'.repeat(20_000)} = 1\n`, /^plugin\.toml:18:\d+: more than 100 maps and lists/],
  ['brackets without end', `${action}a = ${'['.repeat(20_000)}`, /^plugin\.toml:18:\d+: not valid TOML/],
  ['a table of dots without end', `${action}[a${'.a'.repeat(20_000)}]\n`, /more than 100 maps and lists/],
  ['a zero byte', action.replace('Some', '\0'), /^plugin\.toml:5:\d+: not valid TOML/],
  ['carriage returns alone', action.replaceAll('\n', '\r'), /^plugin\.toml:1:\d+: not valid TOML/],
  [
    'wishes without end',
    action.replace('"Network"', '"Network",'.repeat(5000)),
    /capabilities\.required is a list; the most is 64/,
  ],
  [
    'a wish that repaints the terminal',
    action.replace('"Network"', '"\\u001b[2J"'),
    /capabilities\.required\[0\] is .*without control/,
  ],
  ['65 KiB', action + '#'.repeat(manifestMaxBytes), /bytes; the most is 65536$/],
]

for (const [what, text, sentence] of refusedToml) {
  test(`a plugin.toml with ${what} is refused in one sentence`, () => assert.match(toml(text) ?? 'accepted', sentence))
}

test('dotted keys and inline tables say the same as tables', () => {
  const dotted = 'plugin.name = "my-plugin"\nplugin.version = "0.1.0"\nbinary = { path = "my_plugin.wasm" }\n'
  assert.equal(parseTomlManifest(dotted, 'plugin.toml').artefact, 'my_plugin.wasm')
})

const edits = editsWith(fc.oneof(fc.constantFrom(...tomlValues), oddText))

for (const [form, text] of Object.entries({ action, native, stage })) {
  test(`a plugin.toml of the form ${form} changed at random is one, or refused in one sentence`, () => {
    always(
      form,
      fc.property(edits, (changes) => void toml(edited(text, changes))),
      1500,
    )
  })
}
