import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { RigError } from '../../rpc/failure.ts'
import { standardPolicy } from './conduct-policy.ts'
import { parseConfig, readConfig } from './config.ts'

const directory = mkdtempSync(join(tmpdir(), 'openracing-config-'))
after(() => rmSync(directory, { recursive: true }))

const parse = (text: string) => parseConfig(text, 'config.yaml')

function refusal(text: string): string {
  try {
    parse(text)
  } catch (cause) {
    assert.ok(cause instanceof RigError && cause.code === 'CONFIG_INVALID', String(cause))
    return cause.detail
  }
  return assert.fail('was accepted')
}

const defaults = {
  listen: '127.0.0.1:50051',
  access: { loopback: 'operator', limits: { callsPerSecond: 2000, openCalls: 256 } },
  remote: { listen: null },
  plugins: {
    enabled: null,
    autoGrant: {},
    program: {},
    autoGrantRisk: 'low',
    autoLoad: true,
    native: { requireSignatures: true, allowUnsigned: false, allowUnsandboxed: false, requireBundleSignature: false },
    quarantinePolicy: standardPolicy,
  },
  logging: { level: 'info', plugins: { level: 'info' } },
  ffb: { gain: 0.8, maxTorqueNm: 5, allowHighTorque: false, maxSlewNmPerS: 5000 },
  leds: { count: 15 },
  device: 'simulated',
  telemetry: { input: 'hub' },
  rt: { waiting: 'predictive' },
}

test('without a file, and with an empty one, every key has its default', () => {
  assert.deepEqual(readConfig(join(directory, 'none.yaml')), defaults)
  assert.deepEqual(parse(''), defaults)
  assert.deepEqual(parse('plugins:\n  # enabled: [mine]\nlogging:\n'), defaults)
})

test('a file is read from the disk, and something else in its place is refused', () => {
  const file = join(directory, 'config.yaml')
  writeFileSync(file, 'leds: {count: 24}\n')
  assert.deepEqual(readConfig(file), { ...defaults, leds: { count: 24 } })
  const folder = join(directory, 'folder.yaml')
  mkdirSync(folder)
  assert.throws(() => readConfig(folder), { code: 'CONFIG_INVALID' })
})

test('the plugin list with a quarantine policy that the guide prints is read as printed', () => {
  const text = `# ~/.config/openracing/config.yaml
plugins:
  enabled:
    - my_safe_plugin
    - my_fast_plugin
  auto_load: true
  quarantine_policy:
    max_crashes: 3
    max_budget_violations: 10
    quarantine_duration_minutes: 60
`
  assert.deepEqual(parse(text).plugins, {
    ...defaults.plugins,
    enabled: ['my_safe_plugin', 'my_fast_plugin'],
    quarantinePolicy: standardPolicy, // the guide prints the defaults
  })
})

test('each number of the quarantine policy is set by the key of its name', () => {
  const keys = Object.keys(standardPolicy).map((key) =>
    key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
  )
  const text = keys.map((key, index) => `    ${key}: ${1 + (index % 5)}\n`).join('')
  const { quarantinePolicy } = parse(`plugins:\n  quarantine_policy:\n${text}`).plugins
  assert.deepEqual(
    Object.values(quarantinePolicy),
    Object.keys(standardPolicy).map((_, index) => 1 + (index % 5)),
  )
})

test('a plugin is named alone, or with what the user grants it', () => {
  const { plugins } = parse('plugins: {enabled: [a, {name: b, auto_grant: [FileSystem]}, {name: c}]}')
  assert.deepEqual([plugins.enabled, plugins.autoGrant], [['a', 'b', 'c'], { b: ['FileSystem'] }])
})

test('a plugin may be given arguments and an environment', () => {
  const { plugins } = parse(
    'plugins: {enabled: [{name: a, arguments: [-v, ""], environment: {LANG: de, A_1: x=y}}, b]}',
  )
  assert.deepEqual(plugins.program, { a: { arguments: ['-v', ''], environment: { LANG: 'de', A_1: 'x=y' } } })
})

test('the development mode that the guide prints is read as printed', () => {
  const text = `# ~/.config/openracing/config.yaml
plugins:
  native:
    allow_unsigned: true        # Allow unsigned plugins (development only!)
    require_signatures: false   # Skip signature verification
`
  assert.deepEqual(parse(text).plugins.native, {
    requireSignatures: false,
    allowUnsigned: true,
    allowUnsandboxed: false, // development trust is no leave to run unconfined
    requireBundleSignature: false,
  })
  assert.ok(parse('plugins: {native: {allow_unsandboxed: true}}').plugins.native.allowUnsandboxed)
})

test('the log levels that the guide prints are read as printed', () => {
  const text = `# ~/.config/openracing/config.yaml
logging:
  level: debug
  plugins:
    level: trace
`
  assert.deepEqual(parse(text).logging, { level: 'debug', plugins: { level: 'trace' } })
})

test('plugins log at the level of the rig unless the file says otherwise', () => {
  assert.equal(parse('logging: {level: warn}').logging.plugins.level, 'warn')
})

test('the result is frozen all the way down', () => {
  const config = parse('plugins: {enabled: [a]}')
  for (const part of [config, config.plugins, config.plugins.native, config.plugins.enabled, config.logging.plugins]) {
    assert.ok(Object.isFrozen(part))
  }
})

test('a port without a host is refused with what to write', () => {
  assert.equal(refusal('listen: 50051'), 'config.yaml:1:9: listen is 50051; write host:port, such as 127.0.0.1:50051')
})

test('any loopback address is listened on; localhost is 127.0.0.1 whatever the hosts file says', () => {
  for (const [text, address] of [
    ['127.0.0.1:1', '127.0.0.1:1'],
    ['127.9.9.9:65535', '127.9.9.9:65535'],
    ['localhost:50051', '127.0.0.1:50051'],
    ['[::1]:50051', '[::1]:50051'],
    ['127.0.0.1:0', '127.0.0.1:0'],
  ] as const) {
    assert.equal(parse(`listen: "${text}"`).listen, address)
  }
})

test('an address beyond loopback is refused: who comes from elsewhere has a certificate and a door of its own', () => {
  for (const address of [
    '0.0.0.0:50051',
    '192.168.1.5:50051',
    '[::]:50051',
    '[::ffff:192.168.1.5]:1',
    'rig.local:50051',
  ]) {
    const sentence = refusal(`listen: "${address}"`)
    assert.ok(sentence.startsWith(`config.yaml:1:9: listen is "${address}"; write 127.0.0.1 or [::1]`), sentence)
    assert.match(sentence, /needs a certificate, and comes in by remote\.listen/)
  }
})

test('the door for those from elsewhere is an address of this machine, never a name', () => {
  for (const address of ['0.0.0.0:50052', '192.168.1.5:0', '[::]:50052']) {
    assert.equal(parse(`remote: { listen: "${address}" }`).remote.listen, address)
  }
  for (const address of ['rig.local:50052', '0.0.0.0', '0.0.0.0:65536', '[1.2.3.4]:1', ':1', '*:50052']) {
    assert.match(refusal(`remote: { listen: "${address}" }`), /remote\.listen is ".*"; write address:port/)
  }
})

test('what programs of this machine may do is one of three words, and how often they may is bounded', () => {
  assert.equal(parse('access: { loopback: none }').access.loopback, null)
  assert.equal(parse('access: { loopback: viewer }').access.loopback, 'viewer')
  assert.match(refusal('access: { loopback: admin }'), /access\.loopback is "admin"/)
  assert.match(
    refusal('access: { calls_per_second: 0 }'),
    /access\.calls_per_second is 0; write a whole number from 10/,
  )
  assert.deepEqual(parse('access: { calls_per_second: 10, open_calls: 1 }').access.limits, {
    callsPerSecond: 10,
    openCalls: 1,
  })
})

test('what is no address is refused with the form of one', () => {
  for (const address of ['127.0.0.1', ':50051', '127.0.0.1:65536', '127.0.0.1:x', '::1:50051', '[127.0.0.1]:1', '']) {
    assert.match(refusal(`listen: "${address}"`), /write host:port with a port from 0 to 65535/, address)
  }
})

test('a misspelt key is refused with its place and the key that was meant', () => {
  assert.equal(
    refusal('plugins:\n  native:\n    allow_unsignd: true\n'),
    'config.yaml:3:5: plugins.native.allow_unsignd is not a known key; did you mean allow_unsigned?',
  )
})

test('more than 5 N·m is had by saying so', () => {
  const { ffb } = parse('ffb: {max_torque_nm: 25, allow_high_torque: true}')
  assert.deepEqual([ffb.maxTorqueNm, ffb.allowHighTorque], [25, true])
  assert.equal(parse('ffb: {allow_high_torque: true}').ffb.maxTorqueNm, 5)
})

const outOfBounds: readonly (readonly [text: string, sentence: RegExp])[] = [
  ['ffb: {gain: 1.01}', /^config\.yaml:1:13: ffb\.gain is 1\.01; write a number from 0 to 1$/],
  ['ffb: {gain: -0.1}', /ffb\.gain is -0\.1; write a number from 0 to 1$/],
  ['ffb: {max_torque_nm: 26}', /ffb\.max_torque_nm is 26; write a number from 0\.1 to 25$/],
  [
    'ffb: {max_torque_nm: 5.1}',
    /^config\.yaml:1:22: ffb\.max_torque_nm is 5\.1; write at most 5, or also set ffb\.allow_high_torque: true; it says that you accept a wheel that can break a wrist$/,
  ],
  ['ffb: {max_torque_nm: 25, allow_high_torque: false}', /ffb\.max_torque_nm is 25; write at most 5, or/],
  ['rt: {waiting: spin}', /rt\.waiting is "spin"; write one of predictive, futex$/],
  ['telemetry: {input: both}', /telemetry\.input is "both"; write one of hub, external$/],
  ['ffb: {max_slew_nm_per_s: 0}', /ffb\.max_slew_nm_per_s is 0; write a number from 1 to 1000000$/],
  ['leds: {count: 65}', /leds\.count is 65; write a whole number from 1 to 64$/],
  ['leds: {count: "15"}', /leds\.count is "15"; write a whole number from 1 to 64$/],
  ['logging: {level: verbose}', /logging\.level is "verbose"; write one of trace, debug, info, warn, error, fatal$/],
  ['device: fanatec', /device is "fanatec"; write simulated$/],
  ['plugins: {enabled: [../x]}', /plugins\.enabled\[0\] is "\.\.\/x"; write the name of a directory/],
  ['plugins: {enabled: [..]}', /plugins\.enabled\[0\] is "\.\."; write the name of a directory/],
  ['plugins: {enabled: [{name: ../x}]}', /plugins\.enabled\[0\]\.name is "\.\.\/x"; write the name of a directory/],
  ['plugins: {enabled: [{auto_grant: [FileSystem]}]}', /plugins\.enabled\[0\]\.name is missing/],
  ['plugins: {enabled: [{name: a, auto_grant: [Files]}]}', /auto_grant\[0\] is "Files"; write one of ReadTelemetry, /],
  ['plugins: {enabled: [{name: a, grant: []}]}', /plugins\.enabled\[0\]\.grant is not a known key/],
  ['plugins: {enabled: [{name: a, arguments: [1]}]}', /plugins\.enabled\[0\]\.arguments\[0\] is 1; write text$/],
  [
    'plugins: {enabled: [{name: a, environment: {"A=": x}}]}',
    /environment\["A="\] is "x"; name it with 1 to 64 letters/,
  ],
  ['plugins: {enabled: [a, {name: a}]}', /plugins\.enabled is a list; name each directory once$/],
  ['plugins: {enabled: [a, a]}', /plugins\.enabled is a list; name each directory once$/],
  ['plugins: {native: {allow_unsigned: "true"}}', /plugins\.native\.allow_unsigned is "true"; write true or false$/],
  ['plugins: {quarantine_policy: {max_crashes: 0}}', /max_crashes is 0; write a whole number from 1 to 1000$/],
]

for (const [text, sentence] of outOfBounds) {
  test(`a configuration of ${text} is refused`, () => assert.match(refusal(text), sentence))
}
