import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { actionModule } from '../services/wasm-runner/testing/call-guests.ts'
import { wasmOf } from '../services/wasm-runner/testing/wasm-text.ts'
import { buildWasmPlugin, completed } from '../test/wasm-plugin.ts'
import { runWheelctl } from '../test/wheelctl.ts'

const manifest = ({ capabilities, operations, permissions }: Required<Asked>): string => `
id: "1c8f3a53-74a2-4a0f-8f0a-2d1a2f6a2b11"
name: "under-test"
version: "0.1.0"
description: "A plugin under test."
author: "OpenRacing"
license: "MIT"
class: Safe
capabilities: [${capabilities}]
operations: [${operations}]
permissions: ${permissions}
constraints: { max_execution_time_us: 5000, max_memory_bytes: 1048576, update_rate_hz: 100 }
entry_points: { wasm_module: "plugin.wasm" }
`

interface Asked {
  readonly capabilities?: string
  readonly operations?: string
  readonly permissions?: string
}

const asksForLittle: Required<Asked> = {
  capabilities: 'ReadTelemetry, ModifyTelemetry',
  operations: 'TelemetryProcessor',
  permissions: '{}',
}

/** A plugin's directory with this module, and what the command says of it. */
function newPlugin(module: Uint8Array, asked: Asked = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'openracing-tried-'))
  writeFileSync(join(directory, 'plugin.yaml'), manifest({ ...asksForLittle, ...asked }))
  writeFileSync(join(directory, 'plugin.wasm'), module)
  return {
    directory,
    write(name: string, text: string): string {
      writeFileSync(join(directory, name), text)
      return join(directory, name)
    },
    [Symbol.dispose]: () => rmSync(directory, { recursive: true }),
  }
}

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

async function run(...args: readonly string[]): Promise<Ended> {
  try {
    return { code: 0, ...(await runWheelctl({ configDir: tmpdir() }, ['plugin', 'test', ...args])) }
  } catch (cause) {
    return cause as Ended & Error
  }
}

const frames = (count: number): string => '{"ffb_scalar": 0.5}\n'.repeat(count)

test('an installed plugin is tested by its name, its directory and its id, from anywhere', async () => {
  const home = mkdtempSync(join(tmpdir(), 'openracing-tried-home-'))
  mkdirSync(join(home, 'plugins'))
  using plugin = newPlugin(
    await wasmOf(completed('(func (export "process") (param i32 i32 i32 i32) (result i32) (i32.const 0))')),
  )
  renameSync(plugin.directory, join(home, 'plugins', 'installed-here'))
  mkdirSync(plugin.directory)
  const input = plugin.write('lap.jsonl', frames(1))
  for (const name of ['under-test', 'installed-here', '1C8F3A53-74a2-4a0f-8f0a-2d1a2f6a2b11']) {
    const { stdout } = await runWheelctl({ configDir: home }, ['plugin', 'test', name, '--input', input, '--json'])
    assert.equal(JSON.parse(stdout).plugin, 'under-test')
  }
  rmSync(home, { recursive: true })
})

test('a plugin that does what it may is run to the end of the samples, and each answer is told', async () => {
  const scaling = completed(`(func (export "process") (param i32 i32 i32 i32) (result i32)
    (f32.store offset=16 (local.get 1) (f32.mul (f32.load offset=16 (local.get 1)) (f32.const 0.5)))
    (i32.const 1))`)
  using plugin = newPlugin(await wasmOf(scaling))
  const input = plugin.write('lap.jsonl', frames(3))
  const { code, stdout } = await run(plugin.directory, '--input', input, '--json')
  const report = JSON.parse(stdout)
  assert.equal(code, 0)
  assert.equal(report.ticks, 3)
  assert.deepEqual(
    report.outputs.map((output: { ffb_scalar: number; tick: number }) => [output.tick, output.ffb_scalar]),
    [
      [1, 0.25],
      [2, 0.25],
      [3, 0.25],
    ],
  )
  assert.deepEqual(report.findings, [])
  assert.equal(report.memory_bytes, 65_536)
  // The same every time: fuel counts instructions.
  const [first, ...rest] = report.outputs.map(({ fuel }: { fuel: number }) => fuel)
  assert.ok(first > 0)
  assert.deepEqual(rest, [first, first])
})

test('without samples a lap is driven, and people get a summary, or each tick', async () => {
  using plugin = newPlugin(await wasmOf(completed('')))
  const { code, stdout } = await run(join(plugin.directory, 'plugin.yaml'))
  assert.equal(code, 0)
  assert.match(stdout, /^plugin +under-test, openracing-sdk-1$/m)
  assert.match(stdout, /^ticks +600 at 100 Hz$/m)
  assert.match(stdout, /^memory +65536 bytes of 1048576$/m)
  assert.match(stdout, /^finding +none$/m)
  const each = await run(plugin.directory, '--ticks', '--input', plugin.write('lap.json', '[{}, {}]'))
  assert.match(each.stdout, /^TICK +FORCE SCALAR +LEDS +FUEL +CPU TIME\n1 .*\n2 .*\nplugin /)
})

test('a plugin that loops is ended in that tick, by its fuel or for its time, and told', async () => {
  using plugin = newPlugin(await buildWasmPlugin('loops'))
  const { code, stdout } = await run(plugin.directory, '--json')
  const { findings, ticks } = JSON.parse(stdout)
  assert.equal(code, 1)
  assert.equal(ticks, 0)
  assert.equal(findings[0].kind, 'budget')
  assert.equal(findings[0].tick, 1)
  assert.match(findings[0].detail, /^process (ran out of fuel: it was given \d+ instructions|was interrupted: .*)$/)
})

test('a plugin that traps while it is loaded is told with what it said before', async () => {
  using plugin = newPlugin(await buildWasmPlugin('traps-in-start'))
  const { code, stdout } = await run(plugin.directory)
  assert.equal(code, 1)
  assert.match(stdout, /^loaded +no$/m)
  assert.match(stdout, /^finding +crash, 1 times from tick 0 on: its start function trapped: unreachable$/m)
})

test('ticks that fail are counted from the first of them', async () => {
  using plugin = newPlugin(await buildWasmPlugin('answers-not-a-number'))
  const input = plugin.write('lap.jsonl', frames(4))
  const { code, stdout } = await run(plugin.directory, '--json', '--input', input)
  const [finding] = JSON.parse(stdout).findings
  assert.equal(code, 1)
  assert.deepEqual([finding.kind, finding.count, finding.tick], ['failed', 4, 1])
})

test('a log line comes with its tick, and those above the rate are counted', async () => {
  using plugin = newPlugin(await buildWasmPlugin('floods-log'))
  const { log } = JSON.parse(
    (await run(plugin.directory, '--json', '--input', plugin.write('lap.jsonl', frames(40)))).stdout,
  )
  assert.ok(log.length > 20, `${log.length} lines`)
  assert.ok(log.some(({ line }: { line: string }) => /^\d+ lines of this plugin were dropped/.test(line)))
  assert.ok(log.at(-1).tick > 20)
})

test('a plugin is tried behind the fence of a rig', async () => {
  using plugin = newPlugin(await wasmOf(completed('')))
  const { code, stdout } = await run(plugin.directory, '--json')
  assert.equal(code, 0)
  assert.deepEqual(JSON.parse(stdout).confinement, { landlock: true, seccomp: true })
  assert.match((await run(plugin.directory)).stdout, /^confined +by landlock and seccomp$/m)
})

test('what is not granted is a note and no fault', async () => {
  using plugin = newPlugin(await wasmOf(completed('')), {
    capabilities: 'ReadTelemetry, FileSystem',
    permissions: '{ file_system: [{ path: logs, access: read_write }] }',
  })
  const { code, stdout } = await run(plugin.directory, '--json')
  assert.equal(code, 0)
  assert.deepEqual(
    JSON.parse(stdout).findings.map(({ kind, note, detail }: Record<string, unknown>) => [kind, note, detail]),
    [['not granted', true, 'FileSystem is not granted: it asks for logs (read_write)']],
  )
})

test('a network that is not there is a note, and a call that was not granted a violation', async () => {
  const asks = wasmOf(
    completed(`(import "env" "http_request" (func $request (param i32 i32) (result i32)))
      (func (export "initialize") (param i32 i32) (result i32)
        (drop (call $request (i32.const 0) (i32.const 1))) (i32.const 0))`),
  )
  const found = async (capabilities: string) => {
    using plugin = newPlugin(asks, { capabilities })
    const { code, stdout } = await run(plugin.directory, '--json')
    const { findings } = JSON.parse(stdout)
    return [code, findings.map(({ kind, note }: Record<string, unknown>) => [kind, note])]
  }
  assert.deepEqual(await found('ReadTelemetry, Network: {hosts: [a.test]}'), [0, [['network', true]]])
  assert.deepEqual(await found('ReadTelemetry'), [1, [['capability', false]]])
})

test('what cannot be run is refused with its code', async () => {
  using plugin = newPlugin(await buildWasmPlugin('is-no-module'))
  const bad = plugin.write('bad.jsonl', '{}\n{"throttle": 2}')
  const empty = plugin.write('empty.jsonl', '\n')
  using good = newPlugin(await wasmOf(completed('')))
  using without = newPlugin(new Uint8Array())
  rmSync(join(without.directory, 'plugin.wasm'))
  mkdirSync(join(without.directory, 'nothing'))
  using action = newPlugin(actionModule())
  const lowpass = fileURLToPath(new URL('../plugins/lowpass', import.meta.url))
  for (const [args, code, sentence] of [
    [[plugin.directory], 4, /^wheelctl: PLUGIN_INVALID: /],
    [
      [good.directory, '--input', bad],
      4,
      /^wheelctl: REQUEST_INVALID: .*bad\.jsonl:2: throttle is 2; write a number from 0 to 1\n$/,
    ],
    [
      [good.directory, '--input', empty],
      4,
      /^wheelctl: REQUEST_INVALID: .*empty\.jsonl has no sample; write at least one\n$/,
    ],
    [[good.directory, '--input', '/none'], 1, /^wheelctl: FILE_MISSING: \/none does not exist/],
    [[good.directory, '--leds', '65'], 4, /whole number from 1 to 64/],
    [[join(without.directory, 'nothing')], 4, /^wheelctl: MANIFEST_INVALID: .*nothing has no manifest and no module/],
    [[without.directory], 1, /^wheelctl: FILE_MISSING: the artefact /],
    [[lowpass], 4, /^wheelctl: REQUEST_INVALID: lowpass is a Fast plugin/],
    [
      [action.directory],
      4,
      /^wheelctl: PLUGIN_INVALID: the module is one of midimon-action-1, which runs when somebody asks and not at a rate; describe it with a plugin\.toml/,
    ],
    [
      [good.directory, '--leds', '3', '--velocity', '1'],
      4,
      /^wheelctl: REQUEST_INVALID: --velocity is no option for under-test, a plugin that runs at a rate; leave it out, or take one of --input, --leds, --ticks\n$/,
    ],
  ] as const) {
    const ended = await run(...args)
    assert.match(ended.stderr, sentence)
    assert.equal(ended.code, code, ended.stderr)
    assert.equal(ended.stdout, '')
  }
})
