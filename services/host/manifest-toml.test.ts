import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RigError } from '../../rpc/failure.ts'
import { blocksOf, readGuide, withoutGuides } from '../../test/guide.ts'
import { parseTomlManifest } from './manifest-toml.ts'

const text = (changes: { readonly plugin?: string; readonly binary?: string; readonly more?: string } = {}): string => `
[plugin]
name = "my-plugin"
version = "0.1.0"
${changes.plugin ?? ''}
[binary]
path = "my_plugin.wasm"
${changes.binary ?? ''}
${changes.more ?? ''}
`

const refusal = (of: string): string => {
  try {
    parseTomlManifest(of, 'plugin.toml')
  } catch (cause) {
    if (cause instanceof RigError) return cause.message
    throw cause
  }
  return 'no refusal'
}

test('a plugin of MIDIMon runs on call, with the limits of its guide, and is granted nothing', () => {
  const manifest = parseTomlManifest(
    text({ plugin: 'stateful = true\nhomepage = "https://example.org"\nrepository = "https://example.org"' }),
    'plugin.toml',
  )
  assert.equal(manifest.homepage, 'https://example.org')
  assert.deepEqual(
    [manifest.id, manifest.version, manifest.artefact, manifest.checksum, manifest.onCall],
    ['my-plugin', '0.1.0', 'my_plugin.wasm', null, { stateful: true }],
  )
  assert.deepEqual(manifest.constraints, {
    maxExecutionTimeUs: 5_000_000,
    maxMemoryBytes: 134_217_728,
    updateRateHz: 0,
    cpuAffinity: null,
  })
  assert.deepEqual([manifest.capabilities, manifest.warnings], [[], []])
})

test('the manifest of the guide is read as printed, but for the checksum that it leaves out', {
  skip: withoutGuides,
}, () => {
  const [printed] = blocksOf(readGuide('midimon-wasm-plugin-guide.md'), 'toml').filter((block) =>
    block.includes('[binary]'),
  )
  assert.ok(printed !== undefined, 'the guide prints one')
  assert.match(
    refusal(printed),
    /^MANIFEST_INVALID: plugin\.toml:12:12: binary\.checksum is "sha256:\.\.\."; write sha256: and the 64/,
  )
  const manifest = parseTomlManifest(printed.replace('sha256:...', `sha256:${'0f'.repeat(32)}`), 'plugin.toml')
  assert.equal(manifest.checksum, '0f'.repeat(32))
  assert.deepEqual(
    manifest.warnings,
    [
      ['FileSystem', 'file_system'],
      ['Network', 'network'],
    ].map(
      ([name, key]) => `the capability ${name} grants nothing, because permissions.${key} does not say what it is for`,
    ),
  )
})

test('an action may say which hosts it wants to reach', () => {
  const asks = '[capabilities]\nrequired = ["Network"]\n[permissions]\nnetwork = ["api.example.org", "127.0.0.1:8080"]'
  const manifest = parseTomlManifest(text({ more: asks }), 'plugin.toml')
  assert.deepEqual(
    [manifest.capabilities, manifest.permissions.network, manifest.warnings],
    [['Network'], ['api.example.org', '127.0.0.1:8080'], []],
  )
  assert.match(
    refusal(text({ more: '[permissions]\nnetwork = ["a.test"]' })),
    /^MANIFEST_INVALID: plugin\.toml:\d+:11: permissions\.network is a list; add Network to capabilities\.required/,
  )
  for (const host of ['http://a.test', 'a.test:0', '2130706433', '0x7f.1', '127.1:80', '1.2.3.4.5']) {
    const refused = refusal(
      text({ more: `[capabilities]\nrequired = ["Network"]\n[permissions]\nnetwork = ["${host}"]` }),
    )
    assert.match(refused, /permissions\.network\[0\] is .*; write a host or host:port/, host)
  }
})

test('an action may say which directories it wants, and its other wishes are told', () => {
  const asks =
    '[capabilities]\nrequired = ["Filesystem", "Midi"]\n[permissions]\nfile_system = ["presets", {path = "/srv/a", access = "read_write"}]'
  const manifest = parseTomlManifest(text({ more: asks }), 'plugin.toml')
  assert.deepEqual(manifest.capabilities, ['FileSystem'])
  assert.deepEqual(manifest.permissions.fileSystem, [
    { path: 'presets', access: 'read' },
    { path: '/srv/a', access: 'read_write' },
  ])
  assert.deepEqual(manifest.warnings, ['it asks for Midi, which this version grants to no plugin of this kind'])
  assert.match(
    refusal(text({ more: '[permissions]\nfile_system = ["presets"]' })),
    /permissions\.file_system is a list; add FileSystem to capabilities\.required/,
  )
})

test('the bare word Network grants an action nothing, and the manifest says so', () => {
  const manifest = parseTomlManifest(text({ more: '[capabilities]\nrequired = ["network"]' }), 'plugin.toml')
  assert.deepEqual(manifest.capabilities, [])
  assert.match(manifest.warnings.join(), /Network grants nothing, because permissions\.network does not say/)
})

test('a checksum that is malformed, or all zeroes, is an error and no reason to skip it', () => {
  for (const checksum of ['', 'sha256:', `sha256:${'0'.repeat(64)}`, `${'ab'.repeat(32)}`, `sha256:${'xy'.repeat(32)}`])
    assert.match(refusal(text({ binary: `checksum = "${checksum}"` })), /binary\.checksum is .*; write sha256:/)
})

test('what cannot be is refused with the place and the remedy', () => {
  assert.match(refusal('[plugin'), /^MANIFEST_INVALID: plugin\.toml:1:\d+: not valid TOML/)
  assert.match(refusal(text({ binary: 'path = "x.wasm"' })), /^MANIFEST_INVALID: plugin\.toml:\d+:\d+: not valid TOML/)
  assert.match(refusal(text().replace('my-plugin', '../x')), /plugin\.name is "\.\.\/x"; write 1 to 64 letters/)
  assert.match(refusal(text().replace('my_plugin.wasm', '../my.wasm')), /binary\.path is .*without \.\. in it/)
  assert.match(refusal('answer = 42'), /has neither \[plugin\] and \[binary\]/)
  assert.match(refusal(text({ plugin: 'binary = "x.so"' })), /plugin\.binary without \[binary\]/)
})
