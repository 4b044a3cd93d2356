import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { RigError } from '../rpc/failure.ts'
import { readManifest } from '../services/host/manifest.ts'
import { readTomlManifest } from '../services/host/manifest-toml.ts'
import { calledPlugin } from '../services/wasm-runner/testing/call.ts'
import { fastPlugin } from '../test/native-plugin.ts'
import { executions, limits, pluginOf, startPlane } from '../test/plane.ts'
import { until } from '../test/until.ts'
import { runWheelctl } from '../test/wheelctl.ts'
import { createPlugin } from './plugin-new.ts'

const repository = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url))

function newDirectory() {
  const path = mkdtempSync(join(tmpdir(), 'openracing-new-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) }
}

/** What `npm install` brings: here it lies beside us. */
function install(project: string): void {
  mkdirSync(join(project, 'node_modules/@openracing'), { recursive: true })
  const { devDependencies } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'))
  const sdk = devDependencies['@openracing/plugin'].replace(/^file:/, '')
  symlinkSync(sdk, join(project, 'node_modules/@openracing/plugin'))
  symlinkSync(repository('node_modules/assemblyscript'), join(project, 'node_modules/assemblyscript'))
}

/** Runs the project's own `npm run build`; returns the module. */
function buildAssemblyScript(project: string): Uint8Array<ArrayBuffer> {
  install(project)
  const { scripts, name } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'))
  const [command, ...args] = scripts.build.split(' ')
  assert.equal(command, 'asc')
  const asc = repository('node_modules/assemblyscript/bin/asc.js')
  execFileSync(process.execPath, [asc, ...args], { cwd: project, stdio: ['ignore', 'ignore', 'inherit'] })
  return new Uint8Array(readFileSync(join(project, `build/${name}.wasm`)))
}

const make = (project: string): void =>
  void execFileSync('make', ['-s'], { cwd: project, stdio: ['ignore', 'ignore', 'inherit'] })

const canCompile = (): boolean =>
  spawnSync('clang', ['--target=wasm32', '-nostdlib', '-Wl,--no-entry', '-x', 'c', '-', '-o', '/dev/null'], {
    input: '',
  }).status === 0
const skip = canCompile() ? false : 'there is no C compiler for WebAssembly; install the Debian packages clang and lld'

const sample = [
  { rpm: 8000, max_rpm: 8000, ffb_scalar: 0.5 },
  { rpm: 4000, max_rpm: 8000, ffb_scalar: -0.5 },
]

/** What `wheelctl plugin test` says of a project. */
async function tried(project: string) {
  const input = join(project, 'sample.json')
  writeFileSync(input, JSON.stringify(sample))
  const { stdout } = await runWheelctl({ configDir: project }, ['plugin', 'test', project, '--input', input, '--json'])
  return JSON.parse(stdout)
}

const red = Array(15).fill('#ff0000')
const halfGreen = [...Array(7).fill('#00ff00'), ...Array(8).fill('#000000')]

for (const language of ['assemblyscript', 'c'] as const) {
  const build = language === 'c' ? make : buildAssemblyScript
  const unable = language === 'c' ? skip : false

  test(`a led plugin in ${language} builds, loads and draws`, { skip: unable }, async () => {
    using directory = newDirectory()
    const project = createPlugin(directory.path, 'my-lights', { template: 'led', language })
    build(project)
    const { findings, outputs, plugin } = await tried(project)
    assert.equal(plugin, 'my-lights')
    assert.deepEqual(findings, [])
    assert.deepEqual(
      outputs.map(({ leds }: { leds: unknown }) => leds),
      [red, halfGreen],
    )
  })

  test(`a telemetry plugin in ${language} builds, loads and scales the force`, { skip: unable }, async () => {
    using directory = newDirectory()
    const project = createPlugin(directory.path, 'my-force', { template: 'telemetry', language })
    build(project)
    const { findings, outputs } = await tried(project)
    assert.deepEqual(findings, [])
    assert.deepEqual(
      outputs.map((output: { ffb_scalar: number }) => output.ffb_scalar.toFixed(6)),
      ['0.400000', '-0.400000'],
    )
  })

  test(`a zenith plugin in ${language} builds, loads and does what it is asked`, { skip: unable }, async () => {
    using directory = newDirectory()
    const project = createPlugin(directory.path, 'my-filter', { template: 'zenith', language })
    build(project)
    const plugin = await calledPlugin(new Uint8Array(readFileSync(join(project, 'build/my-filter.wasm'))))
    assert.equal(plugin.describe().described.name, 'my-filter')
    assert.equal(plugin.describe().described.version, '0.1.0')
    const input = Buffer.from('zenith 1')
    // More than once: its instance stays, and the host's exchange with it.
    for (const text of ['zenith 1', 'z'.repeat(100_000)]) {
      const { code, fault, output } = plugin.process({ input: Buffer.from(text) })
      assert.deepEqual([code, fault, Buffer.from(output).toString()], [0, undefined, text.toUpperCase()])
    }
    const tooLittle = plugin.process({ input, outputBytes: 7 })
    assert.deepEqual([tooLittle.code, tooLittle.fault], [-1, undefined])
  })
}

test('an action in AssemblyScript builds, loads, says what it is, and does what it is asked', async () => {
  using directory = newDirectory()
  const project = createPlugin(directory.path, 'my-action', { template: 'action' })
  const plugin = await calledPlugin(buildAssemblyScript(project))
  const { artefact, onCall, name } = readTomlManifest(join(project, 'plugin.toml'))
  assert.deepEqual([artefact, onCall, name], ['build/my-action.wasm', { stateful: false }, 'my-action'])
  const { described } = plugin.describe()
  assert.deepEqual(described, { name: 'my-action', version: '0.1.0', description: 'Says hello in its log.' })
  assert.deepEqual([plugin.execute({ parameters: ['Zoë "x"\\/', 'y'] }).code, plugin.execute().code], [0, 0])
  assert.equal(plugin.execute({ action: 'bye', parameters: ['a'] }).code, 3)
  assert.deepEqual(plugin.lines, ['info hello Zoë "x"\\/', 'info hello'])
})

test('a filter in C builds and answers at 1 kHz', async () => {
  using directory = newDirectory()
  const project = createPlugin(directory.path, 'my-filter', { template: 'filter' })
  make(project)
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
    'there is no template action in c: assemblyscript has led, telemetry, action, zenith; c has led, telemetry, zenith, filter'
  refuses(
    () => createPlugin(directory.path, 'mine', { template: 'action', language: 'c' }),
    new RegExp(`^${sentence}$`),
  )
  refuses(
    () => createPlugin(directory.path, 'mine', { template: 'filter', language: 'assemblyscript' }),
    /^there is no template/,
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
