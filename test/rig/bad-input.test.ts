import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { complaintOf } from '../../demo/complaint.ts'
import { observe } from '../../demo/reading.ts'
import { PluginState } from '../../gen/proto/openracing/v1/plugin.ts'
import type { Home } from '../../rpc/home.ts'
import { guestModule, op } from '../../services/wasm-runner/testing/guest-module.ts'
import { buildNativePlugin } from '../native-plugin.ts'
import { until } from '../until.ts'
import { isRunning, readyLineOf, startRig, startRigInTime } from './rig.ts'

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
  assert.match(
    detailOf('other-abi'),
    /^PLUGIN_ABI_MISMATCH: \/.*\/other-abi\/build\/liblowpass\.so: built for ABI version 2, this platform has 1 .*expected: 1, actual: 2.*compile it/,
  )
  assert.match(detailOf('text'), /PLUGIN_INVALID.*(slip-ffb\.wasm|text)/)
  assert.match(detailOf('gone'), /FILE_MISSING.*slip-ffb\.wasm/)
  for (const name of ['lowpass', 'rpm-leds', 'slip-ffb']) assert.ok(isRunning(await rig.plugin(name)), `${name} runs`)
})

/** Adds a Fast plugin whose library is one of test/plugins/native. */
function addNative(home: Home, name: string): void {
  const directory = addPlugin(home, name, 'lowpass', (manifest) => manifest)
  cpSync(buildNativePlugin(name, home.stateDir), join(directory, 'build', 'liblowpass.so'))
}

test('a Fast plugin that fails or crashes names its own library, what happened, and when it is tried again', async () => {
  await using rig = await startRig((home) => {
    for (const name of ['no-entry-point', 'creates-nothing', 'crashes']) addNative(home, name)
    // Three crashes take it less than a second, and would have it in quarantine.
    const config = readFileSync(home.configFile, 'utf8')
    writeFileSync(
      home.configFile,
      config.replace('plugins:\n', 'plugins:\n  quarantine_policy: { max_crashes: 1000 }\n'),
    )
  })
  const told = (name: string, sentence: RegExp) =>
    until(`${name} is told`, async () => {
      const { detail } = await rig.plugin(name)
      assert.ok(!detail.includes('/store/'), detail)
      return detail.includes(`/plugins/${name}/build/liblowpass.so: `) && sentence.test(detail)
    })
  await told('no-entry-point', /^PLUGIN_INVALID: .*exports no get_plugin_vtable\(\); export it/)
  await told(
    'creates-nothing',
    /^PLUGIN_FAILED: .*create\(\) returned NULL.*started again within \d+ ms; .*data-plane\.log$/,
  )
  await told('crashes', /^PLUGIN_FAILED: .*ended by SIGSEGV.*; it is started again within \d+ ms; .*data-plane\.log$/)
})

test('a rig whose loop cannot run says so when it is ready, and shows its Fast plugins waiting', async () => {
  await using rig = await startRig((home) => mkdirSync(join(home.shmDir, 'rig'), { recursive: true }))
  assert.match(
    await readyLineOf(rig),
    /; 2 plugins running, 1 waiting; not running: wheel-rt \(.* started again (once|\d+ times); .*data-plane\.log says why\)$/,
  )
  const lowpass = await rig.plugin('lowpass')
  assert.equal(lowpass.state, PluginState.PLUGIN_STATE_WAITING)
  assert.match(lowpass.detail, /^SERVICE_UNAVAILABLE: wheel-rt, which calls the plugin, does not run: /)
  const observer = observe(`unix:${rig.rig.home.socket('host')}`)
  const reading = await observer.read()
  observer.close()
  assert.equal(complaintOf(reading, 'why')?.endsWith('; why'), true)
  rmSync(join(rig.rig.home.shmDir, 'rig'), { recursive: true })
  await until('the loop calls it', async () => isRunning(await rig.plugin('lowpass')))
})

test('plugins that do not come to an end of their start delay neither the ready line nor the others', async () => {
  await using rig = await startRigInTime((home) => {
    addNative(home, 'creates-never')
    const loops = addPlugin(home, 'loops', 'slip-ffb', (manifest) => manifest)
    writeFileSync(join(loops, 'build', 'slip-ffb.wasm'), guestModule({ initialize: [...op.loopForever, ...op.i32(0)] }))
  })
  // On a machine that has other work the services themselves may still be on their way at the time of the line.
  assert.match(rig.rig.readyLine, /still loading: (.*, )?creates-never|still starting: /)
  for (const name of ['lowpass', 'rpm-leds', 'slip-ffb'])
    await until(`${name} runs`, async () => isRunning(await rig.plugin(name)))
  await until('the log tells of the rest', () =>
    /"msg":"openracing: ready in .*; 3 plugins running/.test(
      readFileSync(join(rig.rig.home.stateDir, 'host.log'), 'utf8'),
    ),
  )
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
