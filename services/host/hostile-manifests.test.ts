import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import {
  always,
  edited,
  editsWith,
  named,
  oddText,
  oneLine,
  pathsIn,
  put,
  refusalOf,
  type Tree,
  valueAt,
} from '../../test/hostile.ts'
import { parseManifest } from './manifest.ts'
import { manifestMaxBytes } from './manifest-text.ts'
import { readPlugin } from './registry.ts'

const root = mkdtempSync(join(tmpdir(), 'openracing-hostile-'))
after(() => rmSync(root, { recursive: true }))

/** The sentence that refuses a plugin.yaml; undefined for one that is good. */
const yaml = (text: string): string | undefined =>
  refusalOf(() => parseManifest(text, 'plugin.yaml'), ['MANIFEST_INVALID'], JSON.stringify(text.slice(0, 400)))

const safe: Tree = {
  id: '550e8400-e29b-41d4-a716-446655440000',
  name: 'Some plugin',
  version: '1.0.0-rc.1',
  description: 'Does nothing.',
  author: 'Somebody',
  license: 'MIT',
  homepage: 'https://example.com/plugin',
  class: 'Safe',
  capabilities: [
    'ReadTelemetry',
    'ControlLeds',
    { FileSystem: { paths: ['logs', { path: '/srv', access: 'read' }] } },
    'Network',
  ],
  operations: ['TelemetryProcessor', 'LedMapper'],
  constraints: { max_execution_time_us: 1000, max_memory_bytes: 65536, update_rate_hz: 60, cpu_affinity: 2 },
  entry_points: {
    ...{ wasm_module: 'plugin.wasm', native_library: 'plugin.so' },
    ...{ main_function: 'process', init_function: 'initialize', cleanup_function: 'shutdown' },
  },
  config_schema: { type: 'object', properties: { max_rpm: { type: 'number', default: 8000 } } },
  signature: Buffer.alloc(64, 7).toString('base64'),
  signer_fingerprint: 'ab'.repeat(32),
  permissions: { file_system: [{ path: 'presets', access: 'read_write' }], network: ['example.com:80'] },
}

test('the manifest that the variants are made of is good', () => {
  assert.equal(yaml(JSON.stringify(safe)), undefined)
})

/** What is put there, as YAML in the manifest's JSON, and whether some keys may have it. */
const values: readonly string[] = [
  ...[
    'null',
    'true',
    '0',
    '-1',
    '-0',
    '1.5',
    '9007199254740993',
    '1e400',
    '.nan',
    '-.inf',
    '0o17',
    '0xff',
    '017',
    '1:30',
  ],
  ...[
    '""',
    '"x"',
    '" "',
    '"../x"',
    '"/etc/passwd"',
    '"a\\0b"',
    '"\\e[2J"',
    '"\\u202e"',
    '"\\ud800"',
    `"${'x'.repeat(5000)}"`,
  ],
  ...[
    '[]',
    '{}',
    '[[]]',
    '[{}]',
    '{"": 1}',
    '[null]',
    '2024-01-15',
    '2024-01-15T10:30:00Z',
    'yes',
    '~',
    '!!str 5',
    '!!binary aGk=',
  ],
  ...[
    '!!js/function "x"',
    '!!python/object:os.system x',
    '!!set {a}',
    '*nothing',
    '&a {b: *a}',
    '{<<: {a: 1}}',
    '{__proto__: {a: 1}}',
  ],
  ...[
    '{constructor: {prototype: {a: 1}}}',
    '{toString: 1}',
    '{hasOwnProperty: 1}',
    '@',
    '`',
    '%',
    '|',
    '>',
    '- x',
    '? x',
    '\t',
    '"',
    '}',
    '---',
    '...',
  ],
]

const mark = '"the value under test"'

for (const path of pathsIn(safe)) {
  test(`whatever stands at ${named(path)} is taken for what it is or refused with its place`, () => {
    const text = JSON.stringify(put(safe, path, 'the value under test'), null, 1)
    assert.ok(text.includes(mark))
    for (const value of values) {
      const sentence = yaml(text.replace(mark, () => value))
      if (sentence !== undefined) assert.match(sentence, /^plugin\.yaml:\d+:\d+: \S/, value)
    }
    for (const value of [
      '1e400',
      '.nan',
      '-.inf',
      '!!binary aGk=',
      '!!set {a}',
      '*nothing',
      '{<<: {a: 1}}',
      '{__proto__: {a: 1}}',
    ])
      assert.notEqual(yaml(text.replace(mark, () => value)), undefined, `${value} at ${named(path)}`)
  })
}

test('whatever is missing is either optional or named', () => {
  const optional =
    /^(homepage|signature|signer_fingerprint|config_schema|permissions|entry_points\.(native|main|init|cleanup)|constraints\.cpu)/
  for (const path of pathsIn(safe).filter(
    (each) => each.every((part) => Number.isNaN(Number(part))) && each.length > 0,
  )) {
    const sentence = yaml(JSON.stringify(put(safe, path, undefined)))
    if (optional.test(named(path)) || path[0] === 'config_schema') continue
    assert.match(sentence ?? '', new RegExp(`${named(path)} is missing; `))
  }
})

test('an unknown key is refused wherever it stands, except in the schema of the configuration', () => {
  for (const path of pathsIn(safe)) {
    const at = valueAt(safe, path)
    if (typeof at !== 'object' || Array.isArray(at) || path[0] === 'config_schema') continue
    for (const key of ['unheard_of', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '']) {
      const sentence = yaml(JSON.stringify(put(safe, [...path, key], 1)))
      assert.match(sentence ?? '', /^plugin\.yaml:1:\d+: .* is not a known key; /, `${key} at ${named(path)}`)
    }
  }
})

const block = `id: 550e8400-e29b-41d4-a716-446655440000
name: Some plugin
version: 1.0.0
description: Does nothing.
author: Somebody
license: MIT
class: Safe
capabilities: []
operations: []
constraints: { max_execution_time_us: 1000, max_memory_bytes: 65536, update_rate_hz: 60 }
entry_points: { wasm_module: plugin.wasm }
`

/** A text of as many bytes as a manifest may have. */
const filled = (piece: string, head = `${block}config_schema:`, tail = ''): string => {
  const room = manifestMaxBytes - Buffer.byteLength(head + tail)
  return head + piece.repeat(Math.floor(room / Buffer.byteLength(piece))) + tail
}

const bomb = [
  '  a: &a [x, x, x, x, x, x, x, x, x]\n',
  ...[...'bcdefghi'].map(
    (letter, index) => `  ${letter}: &${letter} [${Array(9).fill(`*${'abcdefgh'[index]}`).join(', ')}]\n`,
  ),
].join('')

const refused: readonly (readonly [what: string, text: string, sentence: RegExp])[] = [
  ['a bomb of aliases', `${block}config_schema:\n${bomb}`, /^plugin\.yaml:1:1: the aliases stand for too many nodes/],
  ['two documents', `${block}---\n${block}`, /^plugin\.yaml:12:1: a second document starts here/],
  ['a document after an end', `${block}...\n${block}`, /^plugin\.yaml:13:1: a second document/],
  ['a key twice', `${block}name: Other\n`, /^plugin\.yaml:12:1: the key "name" is there twice/],
  ['a key twice in two spellings', `${block}"n\\x61me": Other\n`, /^plugin\.yaml:12:1: the key "name" is there twice/],
  ['a number as a key twice', `${block}config_schema: {1: a, 0x1: b}`, /the key "1" is there twice/],
  ['tabs', block.replace('{ max', '\n\tmax'), /^plugin\.yaml:11:1: not valid YAML: Tabs/],
  ['carriage returns alone', block.replaceAll('\n', '\r'), /^plugin\.yaml:1:\d+: not valid YAML/],
  ['lines of other kinds', block.replaceAll('\n', '\u2028'), /^plugin\.yaml:1:\d+: not valid YAML/],
  ['a zero byte', block.replace('Some', 'So\0me'), /^plugin\.yaml:2:7: name is "So\\u0000me plugin"; write 1 to 128/],
  ['a mark of byte order within', `${block}\ufeffname: x\n`, /^plugin\.yaml:12:1: /],
  ['two bytes a character', Buffer.from(block, 'utf16le').toString('latin1'), /^plugin\.yaml:1:\d+: /],
  ['an anchor for a key', `${block}&a name: x\n`, /the key "name" is there twice/],
  [
    'brackets that nobody closes',
    filled('[', `${block}config_schema: `),
    /more than 100 maps and lists lie in each other/,
  ],
  ['lists in lists', filled('- ', `${block}config_schema:\n  `), /more than 100 maps and lists lie in each other/],
  ['keys in keys', filled('? ', block), /^plugin\.yaml:12:\d+: /],
  ['commas', filled(',', `${block}config_schema: [`), /^plugin\.yaml:12:18: not valid YAML: Unexpected ,/],
  ['colons', filled(': ', block), /^plugin\.yaml:12:\d+: not valid YAML/],
  ['anchors', filled('&a ', `${block}config_schema: `), /at most one anchor/],
  ['tags', filled('!!str ', `${block}config_schema: `), /at most one tag/],
  ['directives', filled('%YAML 1.2\n', '', block), /not valid YAML/],
  [
    'a long directive',
    filled('x', '%', `\n---\n${block}`),
    /^plugin\.yaml:1:1: not valid YAML: Unknown directive %x+…/,
  ],
  ['a long tag', filled('x', `${block}config_schema: !`, ' 1'), /Unresolved tag: !x+…/],
  ['a long alias', filled('x', `${block}config_schema: *`), /the alias \*x+….* before it; write the value out$/],
  ['a long key', filled('x', `${block}? `, '\n: 1\n'), /^plugin\.yaml:12:3: x{60}… is not a known key/],
  ['a long word', filled('x', `${block.replace('Safe', '"')}`, '"'), /./],
  [
    'ten thousand words',
    filled('x,', `${block.replace(/capabilities.*\n/, '')}capabilities: [`, ']'),
    /capabilities is a list; the most is 64/,
  ],
  [
    'ten thousand words behind an alias',
    filled('x,', 'x: &x [', `]\n${block.replace('operations: []', 'operations: *x')}`),
    /^plugin\.yaml:1:1: x is not/,
  ],
  [
    'a manifest that is one byte too long',
    `${filled('#', block)}#`.padEnd(manifestMaxBytes + 1, '#'),
    /has 65537 bytes; the most is 65536/,
  ],
]

for (const [what, text, sentence] of refused) {
  test(`a manifest with ${what} is refused in one sentence`, () => assert.match(yaml(text) ?? 'accepted', sentence))
}

const accepted: readonly (readonly [what: string, text: string])[] = [
  ['a mark of byte order before it', `\ufeff${block}`],
  ['the line ends of Windows', block.replaceAll('\n', '\r\n')],
  ['a comment of as many bytes as there may be', filled('#', block)],
  [
    'a thousand anchors',
    `${block}config_schema: {${Array.from({ length: 1000 }, (_, n) => `k${n}: &a ${n}`).join(', ')}}\n`,
  ],
  [
    'keys that every object has',
    `${block}config_schema: {constructor: {toString: 1}, prototype: 1, hasOwnProperty: 1}\n`,
  ],
  ['an alias', `${block}config_schema: {a: &a {type: number}, b: *a}\n`],
]

for (const [what, text] of accepted) test(`a manifest with ${what} is good`, () => assert.equal(yaml(text), undefined))

test('keys that every object has reach nothing but themselves', () => {
  const { configSchema } = parseManifest(`${block}config_schema: {constructor: {prototype: {x: 1}}}\n`, 'plugin.yaml')
  assert.deepEqual(Object.entries(configSchema ?? {}), [['constructor', { prototype: { x: 1 } }]])
  assert.equal(Reflect.get({}, 'x'), undefined)
})

function problemOf(file: string, content: string | Uint8Array): string {
  const directory = mkdtempSync(join(root, 'plugin-'))
  writeFileSync(join(directory, file), content)
  const { problem, manifest } = readPlugin(root, directory.slice(root.length + 1))
  assert.equal(manifest, null)
  assert.match(problem ?? '', oneLine)
  return problem ?? ''
}

test('bytes that are no text are refused before anything is made of them', () => {
  for (const file of ['plugin.yaml', 'plugin.toml']) {
    const utf16 = Buffer.from(`\ufeff${block}`, 'utf16le')
    for (const bytes of [
      utf16,
      utf16.swap16(),
      Buffer.from([0xff]),
      Buffer.from([0xc0, 0xaf]),
      Buffer.from([0xed, 0xa0, 0x80]),
    ])
      assert.match(problemOf(file, bytes), /^MANIFEST_INVALID: .* is not UTF-8 text; save it as UTF-8$/)
    assert.match(problemOf(file, Buffer.alloc(manifestMaxBytes + 1, '#')), /has more than 65536 bytes/)
    assert.match(problemOf(file, Buffer.alloc(manifestMaxBytes)), /^MANIFEST_INVALID: /)
  }
})

test('a directory, a FIFO or a device in the place of a manifest is told of, and nobody waits for it', () => {
  for (const file of ['plugin.yaml', 'plugin.toml']) {
    const directory = mkdtempSync(join(root, 'odd-'))
    const path = join(directory, file)
    const problem = (): string => readPlugin(root, directory.slice(root.length + 1)).problem ?? ''
    mkdirSync(path)
    assert.match(problem(), /^MANIFEST_INVALID: .* is not a regular file$/)
    rmSync(path, { recursive: true })
    execFileSync('mkfifo', [path])
    assert.match(problem(), /^MANIFEST_INVALID: .* is not a regular file$/)
  }
})

const edits = editsWith(fc.oneof(fc.constantFrom(...values), oddText))

test('a manifest changed at random is a manifest, or refused in one sentence', () => {
  const text = `${block}config_schema: {type: object}\npermissions: {network: []}\n`
  always(
    'plugin.yaml',
    fc.property(edits, (changes) => void yaml(edited(text, changes))),
    4000,
  )
})

test('any value in the place of a manifest is refused with a place in it', () => {
  const property = fc.property(fc.json({ maxDepth: 4 }), (text) =>
    assert.match(yaml(text) ?? '', /^plugin\.yaml:1:\d+: /),
  )
  always('any value', property, 1500)
})
