import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { RigError } from '../../rpc/failure.ts'
import { parseManifest, readManifest } from './manifest.ts'

const directory = mkdtempSync(join(tmpdir(), 'openracing-manifest-'))
after(() => rmSync(directory, { recursive: true }))

const safe = `id: "550e8400-e29b-41d4-a716-446655440000"
name: "My Safe Plugin"
version: "0.1.0"
description: "A sample safe plugin"
author: "Your Name"
license: "MIT"
homepage: "https://github.com/yourname/my-safe-plugin"
class: Safe
capabilities:
  - ReadTelemetry
  - ControlLeds
operations:
  - TelemetryProcessor
  - LedMapper
constraints:
  max_execution_time_us: 5000
  max_memory_bytes: 16777216
  update_rate_hz: 60
entry_points:
  wasm_module: "target/wasm32-wasi/release/my_safe_plugin.wasm"
  main_function: "process"
  init_function: "initialize"
  cleanup_function: "shutdown"
`

const fast = `id: "550e8400-e29b-41d4-a716-446655440000"
name: "My Fast Plugin"
version: "1.0.0"
description: "A sample DSP filter plugin"
author: "Your Name"
license: "MIT"
homepage: "https://github.com/yourname/my-fast-plugin"
class: Fast
capabilities:
  - ReadTelemetry
  - ProcessDsp
operations:
  - DspFilter
constraints:
  max_execution_time_us: 200
  max_memory_bytes: 4194304
  update_rate_hz: 1000
entry_points:
  native_library: "libmy_fast_plugin.so"  # or .dll on Windows
  main_function: "plugin_process"
  init_function: "plugin_create"
  cleanup_function: "plugin_destroy"
`

const parse = (text: string) => parseManifest(text, 'plugin.yaml')

/** A manifest with one piece of its text replaced, which must be there. */
function edited(manifest: string, piece: string, by: string): string {
  assert.ok(manifest.includes(piece), piece)
  return manifest.replace(piece, by)
}

function refusal(text: string): string {
  try {
    parse(text)
  } catch (cause) {
    assert.ok(cause instanceof RigError && cause.code === 'MANIFEST_INVALID', String(cause))
    return cause.detail
  }
  return assert.fail('was accepted')
}

test('the Safe manifest that the guide prints becomes a complete manifest', () => {
  assert.deepEqual(parse(safe), {
    id: '550e8400-e29b-41d4-a716-446655440000',
    name: 'My Safe Plugin',
    version: '0.1.0',
    description: 'A sample safe plugin',
    author: 'Your Name',
    license: 'MIT',
    homepage: 'https://github.com/yourname/my-safe-plugin',
    pluginClass: 'Safe',
    capabilities: ['ReadTelemetry', 'ControlLeds'],
    operations: ['TelemetryProcessor', 'LedMapper'],
    constraints: { maxExecutionTimeUs: 5000, maxMemoryBytes: 16_777_216, updateRateHz: 60, cpuAffinity: null },
    artefact: 'target/wasm32-wasi/release/my_safe_plugin.wasm',
    mainFunction: 'process',
    initFunction: 'initialize',
    cleanupFunction: 'shutdown',
    configSchema: null,
    signature: null,
    signerFingerprint: null,
    permissions: { fileSystem: [], network: [] },
    checksum: null,
    onCall: null,
    warnings: [],
  })
})

test('the Fast manifest that the guide prints becomes a complete manifest', () => {
  const manifest = parse(fast)
  assert.equal(manifest.pluginClass, 'Fast')
  assert.equal(manifest.artefact, 'libmy_fast_plugin.so')
  assert.equal(manifest.mainFunction, 'plugin_process')
  assert.deepEqual(manifest.operations, ['DspFilter'])
  assert.equal(manifest.constraints.updateRateHz, 1000)
  assert.deepEqual(manifest.warnings, [])
})

test('a placeholder in the place of a signature is refused with the way to make one', () => {
  const sentence = refusal(`${fast}signature: "base64-encoded-ed25519-signature"\n`)
  assert.match(
    sentence,
    /^plugin\.yaml:23:12: signature is "base64-encoded-ed25519-signature"; write base64 of the 64 /,
  )
  assert.match(sentence, /openssl pkeyutl -sign -rawin/)
})

test('a signature is base64 of 64 bytes, neither more nor less', () => {
  const signed = (bytes: number) => `${fast}signature: ${Buffer.alloc(bytes, 7).toString('base64')}\n`
  assert.equal(parse(signed(64)).signature, Buffer.alloc(64, 7).toString('base64'))
  for (const bytes of [1, 32, 63, 65]) assert.match(refusal(signed(bytes)), /base64 of the 64 bytes/)
})

test('the key of a signature is named by its fingerprint, which is of no use alone', () => {
  const signature = Buffer.alloc(64, 7).toString('base64')
  const named = (fingerprint: string) => `${fast}signature: ${signature}\nsigner_fingerprint: "${fingerprint}"\n`
  assert.equal(parse(named('AB'.repeat(32))).signerFingerprint, 'ab'.repeat(32))
  assert.match(refusal(named('ab')), /write the SHA-256 of the 32 raw key bytes as 64 hex digits/)
  assert.match(refusal(`${fast}signer_fingerprint: "${'ab'.repeat(32)}"\n`), /add the signature/)
})

test('optional keys that are given arrive, and a null affinity is any core', () => {
  const schema = 'config_schema:\n  type: object\n  properties: {max_rpm: {type: number, default: 8000}}\n'
  const manifest = parse(edited(safe, 'update_rate_hz: 60', 'update_rate_hz: 200\n  cpu_affinity: null') + schema)
  assert.equal(manifest.constraints.cpuAffinity, null)
  assert.equal(manifest.constraints.updateRateHz, 200)
  assert.deepEqual(manifest.configSchema, {
    type: 'object',
    properties: { max_rpm: { type: 'number', default: 8000 } },
  })
  assert.ok(Object.isFrozen(manifest.configSchema))
  assert.equal(parse(edited(fast, 'hz: 1000', 'hz: 1000\n  cpu_affinity: 0xFE')).constraints.cpuAffinity, 0xfe)
})

test('functions that are not named have the names of the contract', () => {
  const manifest = parse(safe.slice(0, safe.indexOf('  main_function')))
  const { mainFunction, initFunction, cleanupFunction } = manifest
  assert.deepEqual([mainFunction, initFunction, cleanupFunction], ['process', 'initialize', 'shutdown'])
})

test('both forms of permissions say what FileSystem and Network are for', () => {
  const listed = `${edited(safe, '- ControlLeds', '- ControlLeds\n  - FileSystem\n  - Network')}permissions:
  file_system: [{path: logs, access: read_write}, {path: /etc/hostname}]
  network: [192.168.1.20:9000, "[::1]:80", api.example.com]
`
  assert.deepEqual(parse(listed).permissions, {
    fileSystem: [
      { path: 'logs', access: 'read_write' },
      { path: '/etc/hostname', access: 'read' },
    ],
    network: ['192.168.1.20:9000', '[::1]:80', 'api.example.com'],
  })
  const map = edited(
    safe,
    '- ControlLeds',
    '- ControlLeds\n  - FileSystem: {paths: [logs]}\n  - Network:\n      hosts: [a.b:1]',
  )
  const manifest = parse(map)
  assert.deepEqual(manifest.capabilities, ['ReadTelemetry', 'ControlLeds', 'FileSystem', 'Network'])
  assert.deepEqual(manifest.permissions, { fileSystem: [{ path: 'logs', access: 'read' }], network: ['a.b:1'] })
  assert.deepEqual([parse(listed).warnings, manifest.warnings], [[], []])
})

test('the bare words FileSystem and Network grant nothing, and the manifest says so', () => {
  const { warnings } = parse(edited(safe, '- ControlLeds', '- ControlLeds\n  - FileSystem\n  - Network'))
  assert.match(
    warnings.join('\n'),
    /FileSystem grants nothing[^\n]*permissions\.file_system.*\n.*Network grants nothing/,
  )
})

test('an entry point of the other class is ignored with a warning', () => {
  const both = edited(safe, '  main_function', '  native_library: "path/to/plugin.so"\n  main_function')
  assert.deepEqual(parse(both).warnings, ['entry_points.native_library is ignored; the class is Safe'])
  assert.equal(parse(both).artefact, 'target/wasm32-wasi/release/my_safe_plugin.wasm')
})

for (const key of ['id', 'name', 'version', 'description', 'author', 'license', 'class']) {
  test(`a manifest without ${key} is refused`, () => {
    const text = safe.replace(new RegExp(`^${key}: .*\n`, 'm'), '')
    assert.match(refusal(text), new RegExp(`^plugin\\.yaml:1:1: ${key} is missing; `))
  })
}

for (const key of ['capabilities', 'operations', 'constraints', 'entry_points']) {
  test(`a manifest without ${key} is refused`, () => {
    const text = safe.replace(new RegExp(`^${key}:\n( .*\n)+`, 'm'), '')
    assert.match(refusal(text), new RegExp(`^plugin\\.yaml:1:1: ${key} is missing; `))
  })
}

const edits: readonly (readonly [base: string, piece: string, by: string, sentence: RegExp])[] = [
  [safe, '550e8400-e29b', '550e8400_e29b', /^plugin\.yaml:1:5: id is "550e8400_.*write a UUID/],
  [safe, '"0.1.0"', '"0.1"', /version is "0\.1"; write a semantic version/],
  [safe, '"0.1.0"', '"0.1.0+build"', /version is "0\.1\.0\+build"; write a semantic version/],
  [safe, '"0.1.0"', '0.1', /version is 0\.1; write text/],
  [safe, '"0.1.0"', '"01.1.0"', /version is "01\.1\.0"; write a semantic version/],
  [safe, '"0.1.0"', `"1.0.${'9'.repeat(300)}"`, /version is "1\.0\.9+…; write a semantic version/],
  [safe, '"My Safe Plugin"', '"\\u202eMy"', /name is .*; write 1 to 128 characters on one line/],
  [safe, '"A sample safe plugin"', '"\\e[2J"', /description is .*; write text without control characters/],
  [safe, '"Your Name"', '[]', /author is a list; write text/],
  [safe, '"MIT"', '""', /license is ""; write 1 to 128 characters/],
  [safe, '/my-safe-plugin"\nclass', '/\\e[2J"\nclass', /homepage is .*; write an http or https address/],
  [safe, 'class: Safe', 'class: Safe\nconfig_schema: []', /config_schema is a list; write a map of keys/],
  [
    safe,
    'class: Safe',
    'class: Safe\nconfig_schema: {properties: {a: {default: 1e400}}}',
    /config_schema\.properties\.a\.default is Infinity; write a number that is finite/,
  ],
  [safe, '_us: 5000', '_us: 1.5', /constraints\.max_execution_time_us is 1\.5; write a whole number from 1/],
  [
    safe,
    '  max_memory_bytes: 16777216\n',
    '',
    /constraints\.max_memory_bytes is missing; write a whole number from 4096/,
  ],
  [fast, 'hz: 1000', 'hz: 1000\n  cpu_affinity: 1.5', /constraints\.cpu_affinity is 1\.5; write a whole number from 1/],
  [fast, '"libmy_fast_plugin.so"', '"a\\nb.so"', /native_library is "a\\nb\.so"; write the path of the artefact/],
  [safe, '"My Safe Plugin"', '"\\e[2J"', /name is .*; write 1 to 128 characters on one line/],
  [safe, 'https://github.com', 'javascript:alert', /homepage is .*; write an http or https address/],
  [safe, 'class: Safe', 'class: safe', /class is "safe"; write one of Safe, Fast; did you mean Safe\?/],
  [
    safe,
    '- ControlLeds',
    '- ControlLed',
    /^plugin\.yaml:11:5: capabilities\[1\] is "ControlLed"; .*did you mean ControlLeds\?/,
  ],
  [
    safe,
    '- ControlLeds',
    '- ReadTelemetry: {}',
    /^plugin\.yaml:11:5: capabilities\[1\]\.ReadTelemetry is not a known key/,
  ],
  [
    safe,
    '- ControlLeds',
    '- ControlLeds\n  - FileSystem: {paths: [../x]}',
    /capabilities\[2\]\.FileSystem\.paths\[0\].*without \.\./,
  ],
  [safe, '- LedMapper', '- LedMaper', /operations\[1\] is "LedMaper"; .*did you mean LedMapper\?/],
  [
    safe,
    '  - ControlLeds\n',
    '',
    /^plugin\.yaml:13:5: operations\[1\] is "LedMapper"; add ControlLeds to capabilities/,
  ],
  [safe, '  - ReadTelemetry\n', '', /operations\[0\] is "TelemetryProcessor"; add ReadTelemetry to capabilities/],
  [fast, '  - ProcessDsp\n', '', /operations\[0\] is "DspFilter"; add ProcessDsp to capabilities/],
  [safe, '- LedMapper', '- DspFilter', /operations\[1\] is "DspFilter"; .*Safe plugins never filter DSP/],
  [
    safe,
    '- ControlLeds',
    '- ControlLeds\n  - ProcessDsp',
    /capabilities\[2\] is "ProcessDsp"; .*Safe plugins never process DSP/,
  ],
  [safe, '_us: 5000', '_us: 5001', /constraints\.max_execution_time_us is 5001; the most is 5000 for class Safe/],
  [safe, '_us: 5000', '_us: 0', /constraints\.max_execution_time_us is 0; write a whole number from 1/],
  [safe, '16777216', '16777217', /constraints\.max_memory_bytes is 16777217; the most is 16777216 for class Safe/],
  [safe, '16777216', '4095', /constraints\.max_memory_bytes is 4095; write a whole number from 4096/],
  [safe, '16777216', '65535', /constraints\.max_memory_bytes is 65535; the least is 65536 for class Safe/],
  [safe, 'hz: 60', 'hz: 1000', /constraints\.update_rate_hz is 1000; write one of 60, 100, 200 for class Safe/],
  [safe, 'hz: 60', 'hz: 61', /constraints\.update_rate_hz is 61; write one of 60, 100, 200 for class Safe/],
  [fast, '_us: 200', '_us: 201', /constraints\.max_execution_time_us is 201; the most is 200 for class Fast/],
  [fast, '4194304', '4194305', /constraints\.max_memory_bytes is 4194305; the most is 4194304 for class Fast/],
  [fast, 'hz: 1000', 'hz: 200', /constraints\.update_rate_hz is 200; write 1000 for class Fast/],
  [fast, 'hz: 1000', 'hz: 1000\n  cpu_affinity: 0', /constraints\.cpu_affinity is 0; write a whole number from 1/],
  [safe, 'wasm_module:', 'native_library:', /entry_points\.wasm_module is missing; class Safe needs it/],
  [fast, 'native_library:', 'wasm_module:', /entry_points\.native_library is missing; class Fast needs it/],
  [
    fast,
    '"libmy_fast_plugin.so"',
    '"/usr/lib/libc.so.6"',
    /native_library is .*; write a path relative to the directory/,
  ],
  [fast, '"libmy_fast_plugin.so"', '"../other/x.so"', /native_library is .*; write a path relative to the directory/],
  [fast, '"libmy_fast_plugin.so"', '"a/../../x.so"', /native_library is .*; write a path relative to the directory/],
  [fast, '"plugin_process"', '"a b"', /main_function is "a b"; write the name of an exported function/],
  [safe, 'class: Safe', 'class: Safe\ntrusted: true', /^plugin\.yaml:9:1: trusted is not a known key; remove it/],
  [
    safe,
    'class: Safe',
    'class: Safe\npermissions: {network: [a.b]}',
    /permissions\.network is a list; add Network to capab/,
  ],
  [
    safe,
    'class: Safe',
    'class: Safe\npermissions: {network: ["*"]}',
    /permissions\.network\[0\] is "\*"; write a host/,
  ],
]

for (const [base, piece, by, sentence] of edits) {
  test(`a manifest with ${JSON.stringify(by)} for ${JSON.stringify(piece)} is refused`, () => {
    assert.match(refusal(edited(base, piece, by)), sentence)
  })
}

test('a manifest is read from its file, and a plugin directory without one is FILE_MISSING', () => {
  const file = join(directory, 'plugin.yaml')
  assert.throws(() => readManifest(file), { code: 'FILE_MISSING' })
  writeFileSync(file, safe)
  assert.equal(readManifest(file).name, 'My Safe Plugin')
  writeFileSync(file, 'name: 1')
  assert.throws(() => readManifest(file), { code: 'MANIFEST_INVALID', message: new RegExp(`${file}:1:\\d+: `) })
})
