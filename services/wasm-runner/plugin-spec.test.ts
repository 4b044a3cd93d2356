import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LoadSafePluginRequest, PathAccess } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import { RigError } from '../../rpc/failure.ts'
import { parseLoadRequest } from './plugin-spec.ts'

const good = LoadSafePluginRequest.fromPartial({
  id: '4D73B330-8692-4a44-a6fa-67883763e0da',
  name: 'slip-ffb',
  path: '/plugins/slip-ffb.wasm',
  sha256: 'A'.repeat(64),
  capabilities: ['ModifyTelemetry', 'ReadTelemetry'],
  ungrantedCapabilities: ['InterPluginComm'],
  operations: ['TelemetryProcessor'],
  maxExecutionTimeUs: 5000,
  maxMemoryBytes: 16_777_216n,
  updateRateHz: 100,
  order: 3,
})

test('a whole request becomes a plugin with the usual entry points and an empty configuration', () => {
  assert.deepEqual(parseLoadRequest(good), {
    id: '4d73b330-8692-4a44-a6fa-67883763e0da',
    name: 'slip-ffb',
    path: '/plugins/slip-ffb.wasm',
    sha256: 'a'.repeat(64),
    capabilities: ['ReadTelemetry', 'ModifyTelemetry'],
    requested: ['ReadTelemetry', 'ModifyTelemetry', 'InterPluginComm'],
    operations: ['TelemetryProcessor'],
    fileSystem: [],
    network: [],
    program: { arguments: [], environment: {} },
    configJson: '{}',
    budgetUs: 5000,
    memoryBytes: 16_777_216,
    rateHz: 100,
    initialRateHz: 100,
    entryPoints: { process: 'process', initialize: 'initialize', shutdown: 'shutdown' },
    order: 3,
  })
})

test('entry points of the manifest take the places of the usual ones', () => {
  const { entryPoints } = parseLoadRequest({
    ...good,
    mainFunction: 'tick',
    initFunction: 'begin',
    cleanupFunction: 'end',
  })
  assert.deepEqual(entryPoints, { process: 'tick', initialize: 'begin', shutdown: 'end' })
})

test('hosts need the capability Network, are places, and are 64 at the most', () => {
  const capabilities = ['Network']
  const network = ['api.example.org', '192.168.1.20:9000', '[::1]:80']
  assert.deepEqual(parseLoadRequest({ ...good, capabilities, network }).network, network)
  const refused = (part: Partial<LoadSafePluginRequest>, sentence: RegExp): void =>
    assert.throws(
      () => parseLoadRequest({ ...good, capabilities, ...part }),
      (cause: unknown) => cause instanceof RigError && cause.code === 'REQUEST_INVALID' && sentence.test(cause.detail),
    )
  refused({ network, capabilities: [] }, /network lists hosts and capabilities has no Network; send both or neither/)
  refused({ network: ['a.test', 'http://b.test/'] }, /network\[1\] is "http:\/\/b.test\/"; send a host or host:port/)
  refused({ network: Array.from({ length: 65 }, (_, at) => `h${at}.test`) }, /hosts in network is 65; send 0 to 64/)
})

test('arguments and environment are bounded, and without a NUL', () => {
  const environment = [
    { name: 'LANG', value: 'de' },
    { name: 'A_1', value: '' },
  ]
  const { program } = parseLoadRequest({ ...good, arguments: ['-v', ''], environment })
  assert.deepEqual(program, { arguments: ['-v', ''], environment: { LANG: 'de', A_1: '' } })
  for (const [part, sentence] of [
    [{ arguments: Array(65).fill('x') }, /the number of arguments is 65; send 0 to 64/],
    [{ arguments: ['é'.repeat(513)] }, /the bytes of one of arguments is 1026; send 0 to 1024/],
    [{ arguments: ['a\0b'] }, /arguments is .*; send text without a NUL/],
    [{ environment: [{ name: 'A=B', value: '' }] }, /environment is "A=B"; send names of variables/],
  ] as const) {
    assert.throws(
      () => parseLoadRequest({ ...good, ...(part as Partial<LoadSafePluginRequest>) }),
      (cause: unknown) => cause instanceof RigError && sentence.test(cause.detail),
    )
  }
})

const paths = (part: { name?: string; path?: string; access?: PathAccess } = {}): Partial<LoadSafePluginRequest> => ({
  capabilities: ['FileSystem'],
  fileSystem: [{ name: 'logs', path: '/plugins/logs', access: PathAccess.PATH_ACCESS_READ, ...part }],
})

test('paths that are granted have the name of the manifest, the place of the host, and their access', () => {
  assert.deepEqual(parseLoadRequest({ ...good, ...paths() }).fileSystem, [
    { name: 'logs', path: '/plugins/logs', access: 'read' },
  ])
  const [written] = parseLoadRequest({ ...good, ...paths({ access: PathAccess.PATH_ACCESS_READ_WRITE }) }).fileSystem
  assert.equal(written?.access, 'read_write')
})

const refused: readonly (readonly [string, Partial<LoadSafePluginRequest>, RegExp])[] = [
  ['an id that is no UUID', { id: 'slip' }, /^REQUEST_INVALID: id is "slip"/],
  ['a name that would repaint a terminal', { name: '\u001b[2J' }, /^REQUEST_INVALID: name is/],
  ['a relative path', { path: 'slip-ffb.wasm' }, /^REQUEST_INVALID: path is "slip-ffb.wasm"/],
  ['a checksum that is cut off', { sha256: 'abc' }, /^REQUEST_INVALID: sha256 is "abc"; send 64 hex digits/],
  ['a capability that is never for Safe plugins', { capabilities: ['ProcessDsp'] }, /capabilities has "ProcessDsp"/],
  ['an operation that is never for Safe plugins', { operations: ['DspFilter'] }, /operations has "DspFilter"/],
  ['a budget above 5 ms', { maxExecutionTimeUs: 5001 }, /max_execution_time_us is 5001; send 1 to 5000/],
  ['no budget', { maxExecutionTimeUs: 0 }, /max_execution_time_us is 0/],
  ['more than 16 MiB', { maxMemoryBytes: 16_777_217n }, /max_memory_bytes is 16777217; send 65536 to 16777216/],
  ['a memory beyond any number', { maxMemoryBytes: 2n ** 64n - 1n }, /max_memory_bytes is/],
  ['a path and no FileSystem', { ...paths(), capabilities: [] }, /file_system lists paths and .* no FileSystem/],
  ['a relative path to grant', paths({ path: 'logs' }), /file_system\[0\]\.path is "logs"; send an absolute path/],
  ['a path without a name', paths({ name: '' }), /file_system\[0\]\.name is ""/],
  [
    'a path and no access',
    paths({ access: PathAccess.PATH_ACCESS_UNSPECIFIED }),
    /file_system\[0\]\.access is 0; send/,
  ],
  ['a path and an access that is none', paths({ access: 7 as PathAccess }), /file_system\[0\]\.access is 7; send/],
  [
    'more paths than anybody reads',
    { ...paths(), fileSystem: Array(65).fill(paths().fileSystem?.[0]) },
    /is 65; send 0 to/,
  ],
  ['no rate', { updateRateHz: 0 }, /update_rate_hz is 0; send 1 to 200/],
  ['the rate of a Fast plugin', { updateRateHz: 1000 }, /update_rate_hz is 1000/],
  ['a configuration that is no JSON', { configJson: '{' }, /config_json is not JSON/],
  ['a configuration that is a list', { configJson: '[]' }, /config_json is not a JSON object/],
  ['a configuration that is null', { configJson: 'null' }, /config_json is not a JSON object/],
  ['a configuration that is huge', { configJson: `{"a":"${'x'.repeat(65_536)}"}` }, /config_json has 65544 bytes/],
]

for (const [what, part, sentence] of refused) {
  test(`a request with ${what} is refused`, () => {
    assert.throws(
      () => parseLoadRequest({ ...good, ...part }),
      (cause) => cause instanceof RigError && cause.code === 'REQUEST_INVALID' && sentence.test(cause.message),
    )
  })
}
