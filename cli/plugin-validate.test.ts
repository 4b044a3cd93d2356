import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, test } from 'node:test'
import { readPlugin } from '../services/host/registry.ts'
import { blocksOf, readGuide, withoutGuides } from '../test/guide.ts'
import { runWheelctl } from '../test/wheelctl.ts'

const root = mkdtempSync(join(tmpdir(), 'openracing-validate-'))
after(() => rmSync(root, { recursive: true }))

const manifest = `id: "1c8f3a53-74a2-4a0f-8f0a-2d1a2f6a2b11"
name: "under-test"
version: "0.1.0"
description: "A plugin under test."
author: "OpenRacing"
license: "MIT"
class: Safe
capabilities: [ReadTelemetry, ModifyTelemetry]
operations: [TelemetryProcessor]
constraints: { max_execution_time_us: 5000, max_memory_bytes: 1048576, update_rate_hz: 100 }
entry_points: { wasm_module: "plugin.wasm" }
config_schema: { type: object, properties: { strength: { type: number } }, additionalProperties: false }
`

function plugin(files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(root, 'plugin-'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text)
  return directory
}

const validate = (...args: readonly string[]) =>
  runWheelctl({ configDir: root }, ['plugin', 'validate', ...args], 'openracing-cli')

test('a manifest is found good by its file and by its directory, before anything is built', async () => {
  const directory = plugin({ 'plugin.yaml': manifest, 'config.json': '{"strength": 1}' })
  for (const path of [directory, join(directory, 'plugin.yaml')]) {
    const { stdout } = await validate(path)
    assert.match(
      stdout,
      /^valid: under-test 0\.1\.0\nid: 1c8f3a53-.*\nclass: Safe\nasks for: ReadTelemetry, ModifyTelemetry\nwarning: the artefact/,
    )
  }
  writeFileSync(join(directory, 'plugin.wasm'), '')
  const { valid, warnings } = JSON.parse((await validate(directory, '--json')).stdout)
  assert.deepEqual([valid, warnings], [true, []])
})

const refusals: readonly (readonly [what: string, files: Readonly<Record<string, string>>, stderr: RegExp])[] = [
  [
    'a value beyond its bound',
    { 'plugin.yaml': manifest.replace('5000', '5001') },
    /MANIFEST_INVALID: .*plugin\.yaml:10:\d+: .*5001/,
  ],
  [
    'a key that nobody knows',
    { 'plugin.yaml': `${manifest}color: red\n` },
    /MANIFEST_INVALID: .*:13:1: color is not a known key/,
  ],
  ['text that is no YAML', { 'plugin.yaml': 'name: [' }, /MANIFEST_INVALID: .*plugin\.yaml:\d+:\d+: not valid YAML/],
  [
    'a config.json beside its schema',
    { 'plugin.yaml': manifest, 'config.json': '{"strength": "much"}' },
    /CONFIG_INVALID: .*config\.json:1:\d+: strength/,
  ],
  [
    'a native action, which nothing runs',
    { 'plugin.toml': '[plugin]\nname = "a"\nversion = "1.0.0"\nbinary = "a.so"\n' },
    /PLUGIN_UNSUPPORTED/,
  ],
  ['an empty directory', {}, /MANIFEST_INVALID: .*has no manifest and no module/],
]

for (const [what, files, stderr] of refusals) {
  test(`${what} is refused with its place`, async () => {
    await assert.rejects(validate(plugin(files)), { code: 4, stdout: '', stderr })
  })
}

test('what is hostile is told in the words that a rig has for it', async () => {
  const hostile: Readonly<Record<string, string>>[] = [
    { 'plugin.yaml': manifest.replace('"under-test"', '{toString: 1}') },
    { 'plugin.yaml': `${manifest}"\\e[2J\\u202e": 1\n` },
    { 'plugin.yaml': `${manifest}x: &x [*x]\n` },
    { 'plugin.yaml': manifest.padEnd(70_000, '#') },
    { 'plugin.toml': '[plugin.__proto__]\nstateful = true\n' },
    { 'plugin.toml': `a${'.a'.repeat(5000)} = 1\n` },
    { 'plugin.toml': 'name = "x"\nversion = "1.0.0"\n[library]\npath = "x.so"\n' },
    { 'libx.so': '' },
  ]
  for (const files of hostile) {
    const directory = plugin(files)
    const { problem } = readPlugin(root, basename(directory))
    assert.ok(problem !== null)
    await assert.rejects(validate(directory), { code: 4, stdout: '', stderr: `wheelctl: ${problem}\n` })
  }
})

test('what is neither there nor installed is told, with what to name', async () => {
  for (const path of [join(root, 'none', 'plugin.yaml'), join(root, 'none.wasm'), 'nope']) {
    const stderr = /^wheelctl: FILE_MISSING: there is no .*, and no plugin in .* has this .*; name a directory/
    await assert.rejects(validate(path), { code: 1, stdout: '', stderr })
  }
})

test('a link to nowhere is told as one', async () => {
  symlinkSync(join(root, 'nowhere'), join(root, 'link'))
  await assert.rejects(validate(join(root, 'link')), { code: 1, stderr: /is a link to .*; remove the link/ })
})

test('the manifests of the guide are valid', { skip: withoutGuides }, async () => {
  const guide = readGuide('openracing-plugin-development-guide.md')
  const whole = blocksOf(guide, 'yaml').filter((block) => /^class: *(Safe|Fast)/m.test(block) && /^id:/m.test(block))
  assert.ok(whole.length >= 2, `${whole.length} manifests`)
  for (const text of whole) {
    mkdirSync(join(root, 'guide'), { recursive: true })
    // It prints a signature that stands for one.
    writeFileSync(join(root, 'guide', 'plugin.yaml'), text.replace(/^signature: "base64-encoded.*$/m, ''))
    assert.match((await validate(join(root, 'guide', 'plugin.yaml'))).stdout, /^valid: /)
  }
})
