import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Command } from 'commander'
import { targetOf } from './endpoint.ts'

/** What a command behind the global options is given as its rig. */
function target(t: TestContext, words: readonly string[], contexts = ''): ReturnType<typeof targetOf> {
  const directory = mkdtempSync(join(tmpdir(), 'openracing-contexts-'))
  t.after(() => rmSync(directory, { recursive: true }))
  for (const name of ['ca', 'cert', 'key']) writeFileSync(join(directory, name), `PEM of ${name}`)
  writeFileSync(join(directory, 'wheelctl.yaml'), contexts.replaceAll('DIR', directory))
  process.env.WHEELCTL_CONFIG = join(directory, 'wheelctl.yaml')
  process.env.OPENRACING_HOME = '/home/rig'
  t.after(() => delete process.env.WHEELCTL_CONFIG)
  let found: ReturnType<typeof targetOf> | undefined
  const program = new Command('wheelctl').exitOverride().enablePositionalOptions()
  for (const option of ['endpoint', 'context', 'ca', 'cert', 'key']) program.option(`--${option} <word>`)
  const add = new Command('add').option('--key <file>').option('--endpoint <word>')
  program.addCommand(
    add.action((_, command: Command) => {
      found = targetOf(command)
    }),
  )
  program.parse(
    words.map((word) => word.replace('DIR', directory)),
    { from: 'user' },
  )
  assert.ok(found)
  return found
}

const shown = { ca: 'PEM of ca', cert: 'PEM of cert', key: 'PEM of key' }
const files = ['--ca', 'DIR/ca', '--cert', 'DIR/cert', '--key', 'DIR/key']
const two = `current: club
contexts:
  - { name: club, endpoint: 10.0.0.1:50052, ca: DIR/ca, cert: DIR/cert, key: DIR/key }
  - { name: garage, endpoint: unix:/run/garage.sock }
`

test('the rig of this home is meant where nothing is said', (t) => {
  assert.deepEqual(target(t, ['add']), { endpoint: 'unix:/home/rig/run/host.sock', shown: undefined })
})

test('an endpoint is meant that is said in front of the command or behind it, with the files in front', (t) => {
  assert.deepEqual(target(t, ['--endpoint', 'a:1', ...files, 'add']), { endpoint: 'a:1', shown })
  assert.deepEqual(target(t, ['add', '--endpoint', 'a:1']), { endpoint: 'a:1', shown: undefined })
  assert.deepEqual(target(t, ['--endpoint', 'a:1', 'add', '--key', 'other.pem']), { endpoint: 'a:1', shown: undefined })
  assert.throws(() => target(t, ['--endpoint', 'a:1', '--key', 'DIR/key', 'add']), {
    message: /--ca, --cert and --key belong together/,
  })
})

test('a context is meant by its name, and the current one by none', (t) => {
  assert.deepEqual(target(t, ['add'], two), { endpoint: '10.0.0.1:50052', shown })
  assert.deepEqual(target(t, ['--context', 'garage', 'add'], two), {
    endpoint: 'unix:/run/garage.sock',
    shown: undefined,
  })
  assert.deepEqual(target(t, ['--endpoint', 'a:1', 'add'], two), { endpoint: 'a:1', shown: undefined })
  assert.throws(() => target(t, ['--context', 'moon', 'add'], two), {
    message: /no context is called "moon"; .* club, garage/,
  })
  assert.throws(() => target(t, ['--context', 'club', '--endpoint', 'a:1', 'add'], two), { message: /both name a rig/ })
})

test('a file of contexts that is none is refused with its place', (t) => {
  const cases: readonly (readonly [string, RegExp])[] = [
    [
      'contexts: [{ name: all, endpoint: a:1 }]',
      /wheelctl\.yaml:1:20: contexts\[0\]\.name is "all"; all means every context/,
    ],
    ['contexts: [{ name: a }]', /contexts\[0\]\.endpoint is missing/],
    ['contexts: [{ name: a, endpoint: a:1, token: x }]', /token/],
    ['current: [', /wheelctl\.yaml:1/],
  ]
  for (const [text, message] of cases)
    assert.throws(() => target(t, ['add'], text), { code: 'CONFIG_INVALID', message })
})
