import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { PluginState } from '../../gen/proto/openracing/v1/plugin.ts'
import type { Home } from '../../rpc/home.ts'
import { buildNativePlugin } from '../native-plugin.ts'
import { isRunning, startRig } from './rig.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

interface Ended {
  readonly code: number | null
  readonly stderr: string
}

/** Runs one of our programs to its end on a home directory. */
function run(program: string, args: readonly string[], directory: string): Ended {
  const { status, stderr } = spawnSync(process.execPath, [join(root, program), ...args], {
    env: { ...process.env, OPENRACING_HOME: directory, OPENRACING_LOG_LEVEL: 'silent' },
    encoding: 'utf8',
    input: '',
  })
  return { code: status, stderr }
}

const startHost = (directory: string): Ended => run('services/host/main.ts', [], directory)

function homeWith(config: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'openracing-bad-'))
  writeFileSync(join(directory, 'config.yaml'), config)
  return directory
}

function assertOneSentence(ended: Ended, code: number, sentence: RegExp): void {
  assert.match(ended.stderr, sentence)
  assert.equal(ended.stderr.trimEnd().split('\n').length, 1, ended.stderr)
  assert.equal(ended.code, code)
}

/** Adds a copy of a sample plugin with a manifest and an artefact changed. */
function addPlugin(home: Home, name: string, sample: string, change: (manifest: string) => string): string {
  const directory = join(home.pluginDir, name)
  cpSync(join(home.pluginDir, sample), directory, { recursive: true })
  const file = join(directory, 'plugin.yaml')
  const uuid = `id: "00000000-0000-4000-8000-${Buffer.from(name).toString('hex').slice(0, 12).padEnd(12, '0')}"`
  writeFileSync(
    file,
    change(
      readFileSync(file, 'utf8')
        .replace(/^id: .*/m, uuid)
        .replace(/^name: .*/m, `name: "${name}"`),
    ),
  )
  return directory
}

test('a broken manifest, another ABI, a module that is not WASM and a missing file are told each in one sentence; the others run', async () => {
  await using rig = await startRig((home) => {
    addPlugin(home, 'broken', 'rpm-leds', (manifest) => manifest.replace('class: Safe', 'class: Turbo'))
    const other = addPlugin(home, 'other-abi', 'lowpass', (manifest) => manifest)
    cpSync(buildNativePlugin('other-abi', home.stateDir), join(other, 'build', 'liblowpass.so'))
    const text = addPlugin(home, 'text', 'slip-ffb', (manifest) => manifest)
    writeFileSync(join(text, 'build', 'slip-ffb.wasm'), 'this is not a module')
    const gone = addPlugin(home, 'gone', 'slip-ffb', (manifest) => manifest)
    rmSync(join(gone, 'build', 'slip-ffb.wasm'))
  })
  const plugins = await rig.plugins()
  const detailOf = (directory: string): string => {
    const plugin = plugins.find((one) => one.directory === directory)
    assert.equal(plugin?.state, PluginState.PLUGIN_STATE_FAILED, directory)
    return plugin?.detail ?? ''
  }
  assert.match(detailOf('broken'), /MANIFEST_INVALID.*plugin\.yaml:\d+:\d+.*class.*Turbo.*Safe/s)
  assert.match(detailOf('other-abi'), /PLUGIN_ABI_MISMATCH.*expected: 1, actual: 2/)
  assert.match(detailOf('text'), /PLUGIN_INVALID.*(slip-ffb\.wasm|text)/)
  assert.match(detailOf('gone'), /FILE_MISSING.*slip-ffb\.wasm/)
  for (const name of ['lowpass', 'rpm-leds', 'slip-ffb']) assert.ok(isRunning(await rig.plugin(name)), `${name} runs`)
})

test('a second host on the same home is refused, and the first does not notice', async () => {
  await using rig = await startRig()
  assertOneSentence(
    startHost(rig.rig.home.configDir),
    5,
    /HOME_IN_USE: a host of the rig in .* runs already; end it first/,
  )
  assert.ok((await rig.plugins()).every(isRunning))
})

test('a port that is in use is named, and nothing is left running', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const address = other.address()
  assert.ok(address !== null && typeof address === 'object')
  const directory = homeWith(`listen: 127.0.0.1:${address.port}\n`)
  assertOneSentence(startHost(directory), 5, new RegExp(`ADDRESS_IN_USE: 127\\.0\\.0\\.1:${address.port} `))
  other.close()
  rmSync(directory, { recursive: true })
})

test('a broken config.yaml is refused with line, column, key and bound', () => {
  const directory = homeWith('ffb:\n  gain: 7\n')
  assertOneSentence(startHost(directory), 4, /CONFIG_INVALID: .*config\.yaml:2:9.*ffb\.gain.*7.*1/)
  rmSync(directory, { recursive: true })
})

test('wheelctl without a host says so and exits 5; a recording that is none exits 4, a missing one 1', () => {
  const directory = mkdtempSync(join(tmpdir(), 'openracing-bad-'))
  const wheelctl = (...args: readonly string[]): Ended => run('cli/main.ts', args, directory)
  assertOneSentence(wheelctl('plugin', 'list'), 5, /SERVICE_UNAVAILABLE/)
  const notes = join(directory, 'notes.txt')
  writeFileSync(notes, 'no telemetry in here')
  assertOneSentence(wheelctl('telemetry', 'replay', notes), 4, /RECORDING_INVALID: .*notes\.txt/)
  assertOneSentence(wheelctl('telemetry', 'replay', join(directory, 'none.ibt')), 1, /FILE_MISSING: .*none\.ibt/)
  assert.equal(wheelctl('telemetry', 'replay', notes, '--speed', 'fast').code, 4)
  assert.equal(wheelctl('teletry').code, 4)
  rmSync(directory, { recursive: true })
})
