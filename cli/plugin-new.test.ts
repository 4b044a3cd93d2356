import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { RigError } from '../rpc/failure.ts'
import { readManifest } from '../services/host/manifest.ts'
import { calledPlugin } from '../services/wasm-runner/testing/call.ts'
import { fastPlugin } from '../test/native-plugin.ts'
import { executions, limits, pluginOf, startPlane } from '../test/plane.ts'
import { buildProject, noCCompiler } from '../test/plugin-project.ts'
import { until } from '../test/until.ts'
import { runWheelctl } from '../test/wheelctl.ts'
import { createPlugin } from './plugin-new.ts'

function newDirectory() {
  const path = mkdtempSync(join(tmpdir(), 'openracing-new-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) }
}

const sample = [
  { rpm: 8000, max_rpm: 8000, ffb_scalar: 0.5 },
  { rpm: 4000, max_rpm: 8000, ffb_scalar: -0.5 },
]

/** What `wheelctl plugin test` says of a project, when it finds no fault. */
async function tried(project: string, ...options: readonly string[]) {
  const { stdout } = await runWheelctl({ configDir: project }, ['plugin', 'test', project, ...options, '--json'])
  return JSON.parse(stdout)
}

function sampleIn(directory: string): string {
  writeFileSync(join(directory, 'sample.json'), JSON.stringify(sample))
  return join(directory, 'sample.json')
}

const red = Array(15).fill('#ff0000')
const halfGreen = [...Array(7).fill('#00ff00'), ...Array(8).fill('#000000')]

for (const language of ['assemblyscript', 'c'] as const) {
  const skip = language === 'c' && noCCompiler

  test(`a led plugin in ${language} builds, loads and draws`, { skip }, async () => {
    using directory = newDirectory()
    const project = buildProject(directory.path, 'my-lights', { template: 'led', language })
    const { findings, outputs, plugin } = await tried(project, '--input', sampleIn(directory.path))
    assert.equal(plugin, 'my-lights')
    assert.deepEqual(findings, [])
    assert.deepEqual(
      outputs.map(({ leds }: { leds: unknown }) => leds),
      [red, halfGreen],
    )
  })

  test(`a telemetry plugin in ${language} builds, loads and scales the force`, { skip }, async () => {
    using directory = newDirectory()
    const project = buildProject(directory.path, 'my-force', { template: 'telemetry', language })
    const { findings, outputs } = await tried(project, '--input', sampleIn(directory.path))
    assert.deepEqual(findings, [])
    assert.deepEqual(
      outputs.map((output: { ffb_scalar: number }) => output.ffb_scalar.toFixed(6)),
      ['0.400000', '-0.400000'],
    )
  })

  test(`a zenith plugin in ${language} builds, loads and does what it is asked`, { skip }, async () => {
    using directory = newDirectory()
    const project = buildProject(directory.path, 'my-filter', { template: 'zenith', language })
    const [input, output] = [join(directory.path, 'in'), join(directory.path, 'out')]
    writeFileSync(input, 'zenith 1')
    const { plugin, described, call, findings } = await tried(project, '--input', input, '--output', output)
    assert.deepEqual([plugin, described.name, described.version], ['my-filter', 'my-filter', '0.1.0'])
    assert.deepEqual([call.code, readFileSync(output, 'utf8'), findings], [0, 'ZENITH 1', []])
  })

  test(`a zenith plugin in ${language} keeps its instance, and answers what does not fit with its code`, {
    skip,
  }, async () => {
    using directory = newDirectory()
    const project = buildProject(directory.path, 'my-filter', { template: 'zenith', language })
    const plugin = await calledPlugin(new Uint8Array(readFileSync(join(project, 'my-filter.wasm'))))
    // More than once: its instance stays, and the host's exchange with it.
    for (const text of ['zenith 1', 'z'.repeat(100_000)]) {
      const { code, fault, output } = plugin.process({ input: Buffer.from(text) })
      assert.deepEqual([code, fault, Buffer.from(output).toString()], [0, undefined, text.toUpperCase()])
    }
    const tooLittle = plugin.process({ input: Buffer.from('zenith 1'), outputBytes: 7 })
    assert.deepEqual([tooLittle.code, tooLittle.fault], [-1, undefined])
  })
}

test('an action in AssemblyScript builds, loads, says what it is, and does what it is asked', async () => {
  using directory = newDirectory()
  const project = buildProject(directory.path, 'my-action', { template: 'action', language: 'assemblyscript' })
  const { plugin, described, call, log, findings } = await tried(
    project,
    ...['--action', 'hello', '--param', 'Zoë "x"\\/', '--param', 'y'],
  )
  assert.equal(plugin, 'my-action')
  assert.deepEqual(described, { name: 'my-action', version: '0.1.0', description: 'Says hello in its log.' })
  assert.deepEqual([call.code, findings], [0, []])
  assert.deepEqual(log, [{ during: 'call', level: 'info', line: 'hello Zoë "x"\\/' }])
  await assert.rejects(tried(project, '--action', 'bye'), ({ code, stdout }: { code: number; stdout: string }) => {
    assert.deepEqual([code, JSON.parse(stdout).call.code], [1, 3])
    return true
  })
})

test('a filter in C builds and answers at 1 kHz', async () => {
  using directory = newDirectory()
  const project = buildProject(directory.path, 'my-filter', { template: 'filter', language: 'c' })
  const { artefact, pluginClass } = readManifest(join(project, 'plugin.yaml'))
  assert.equal(pluginClass, 'Fast')
  await using rig = await startPlane()
  await rig.plane.setChain([fastPlugin('new', join(project, artefact))], limits)
  await until('it answered 200 frames', () => executions(rig, 'new') >= 200n)
  assert.equal(pluginOf(rig, 'new').statistics?.failures, 0n)
})

const refuses = (act: () => unknown, sentence: RegExp): void =>
  assert.throws(
    act,
    (cause) => cause instanceof RigError && cause.code === 'REQUEST_INVALID' && sentence.test(cause.detail),
  )

test('a directory that is there is never written into', () => {
  using directory = newDirectory()
  mkdirSync(join(directory.path, 'mine'))
  refuses(() => createPlugin(directory.path, 'mine', { template: 'led' }), /mine exists already; take another name/)
  assert.deepEqual(readdirSync(join(directory.path, 'mine')), [])
})

test('a combination that does not exist is refused with those that do, and nothing is made', () => {
  using directory = newDirectory()
  const sentence =
    'there is no template action in c: assemblyscript has led, telemetry, action, zenith; c has led, telemetry, zenith, filter; take --language assemblyscript for it'
  refuses(
    () => createPlugin(directory.path, 'mine', { template: 'action', language: 'c' }),
    new RegExp(`^${sentence}$`),
  )
  refuses(
    () => createPlugin(directory.path, 'mine', { template: 'filter', language: 'assemblyscript' }),
    /^there is no template filter in assemblyscript: .*; take --language c for it$/,
  )
  assert.deepEqual(readdirSync(directory.path), [])
})

test('a name that leads elsewhere, or is no name, is refused', () => {
  using directory = newDirectory()
  for (const name of [
    '../out',
    '/tmp/out',
    '.',
    '',
    'a',
    'A-plugin',
    'a plugin',
    'plugin-',
    '-plugin',
    'a\nb',
    `a${'b'.repeat(64)}`,
  ]) {
    refuses(
      () => createPlugin(directory.path, name, { template: 'led' }),
      /cannot be that of a plugin; take 2 to 64 of/,
    )
  }
  assert.deepEqual(readdirSync(directory.path), [])
  assert.ok(!existsSync(join(directory.path, '../out')))
})

test('two projects of one template are two plugins', () => {
  using directory = newDirectory()
  const [one, two] = ['one', 'two'].map((name) =>
    readManifest(join(createPlugin(directory.path, name, { template: 'led' }), 'plugin.yaml')),
  )
  assert.notEqual(one?.id, two?.id)
})
