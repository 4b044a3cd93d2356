import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { actionModule, speakingAction, zenithModule } from '../services/wasm-runner/testing/call-guests.ts'
import { buildWasmPlugin } from '../test/wasm-plugin.ts'
import { runWheelctl } from '../test/wheelctl.ts'

const toml = `[plugin]
name = "keys"
version = "2.0.0"
[binary]
path = "plugin.wasm"
`

/** A directory named `keys` with these files. */
function newPlugin(files: Readonly<Record<string, string | Uint8Array>>) {
  const parent = mkdtempSync(join(tmpdir(), 'openracing-called-'))
  const directory = join(parent, 'keys')
  mkdirSync(directory)
  const write = (path: string, content: string | Uint8Array): string => {
    writeFileSync(path, content)
    return path
  }
  for (const [name, content] of Object.entries(files)) write(join(directory, name), content)
  return {
    directory,
    beside: (name: string): string => join(parent, name),
    writeBeside: (name: string, content: string | Uint8Array): string => write(join(parent, name), content),
    [Symbol.dispose]: () => rmSync(parent, { recursive: true }),
  }
}

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const run = (...args: readonly string[]): Promise<Ended> =>
  runWheelctl({ configDir: tmpdir() }, ['plugin', 'test', ...args]).then(
    (ended) => ({ code: 0, ...ended }),
    (cause) => cause as Ended,
  )

async function report(...args: readonly string[]) {
  const { code, stdout, stderr } = await run(...args, '--json')
  assert.equal(stderr, '')
  return { exit: code, ...JSON.parse(stdout) }
}

const findingsOf = ({ findings }: { findings: Record<string, unknown>[] }): unknown =>
  findings.map(({ kind, note, detail }) => [kind, note, detail])

const keys = speakingAction(3)

test('an action is called as a rig does, behind its fence, and what it cost is told', async () => {
  using plugin = newPlugin({ 'plugin.toml': toml, 'plugin.wasm': keys })
  const { exit, call, ...rest } = await report(plugin.directory, '--action', 'hello', '--velocity', '100')
  assert.equal(exit, 0)
  assert.deepEqual([rest.plugin, rest.abi], ['keys', 'midimon-action-1'])
  assert.deepEqual(rest.described, { name: 'keys', version: '0.1.0', description: 'Does nothing' })
  assert.deepEqual(rest.confinement, { landlock: true, seccomp: true })
  assert.deepEqual([call.action, call.code], ['hello', 0])
  assert.ok(call.fuel > 10 && call.cpu_us > 0)
  assert.equal(rest.memory_bytes, 65_536)
  assert.deepEqual(rest.log, [{ during: 'call', level: 'warn', line: 'heard' }])
  assert.deepEqual(rest.findings, [])
})

test('people get a summary of it', async () => {
  using plugin = newPlugin({ 'plugin.toml': toml, 'plugin.wasm': keys })
  const { code, stdout } = await run(join(plugin.directory, 'plugin.toml'), '--action', 'hello')
  assert.equal(code, 0)
  assert.match(stdout, /^plugin +keys, midimon-action-1$/m)
  assert.match(stdout, /^described +keys v0\.1\.0: Does nothing$/m)
  assert.match(stdout, /^confined +by landlock and seccomp$/m)
  assert.match(stdout, /^called +hello: code 0$/m)
  assert.match(stdout, /^call +\d+ of 100000000 instructions, \d+ µs$/m)
  assert.match(stdout, /^memory +65536 bytes of 134217728$/m)
  assert.match(stdout, /^log +while it was called, warn: heard$/m)
  assert.match(stdout, /^finding +none$/m)
})

test('without an action it says what it is, and that none was asked for is a note', async () => {
  using plugin = newPlugin({ 'plugin.toml': toml, 'plugin.wasm': keys })
  const said = await report(plugin.directory)
  assert.deepEqual([said.exit, said.call, said.described.name], [0, null, 'keys'])
  assert.deepEqual(findingsOf(said), [['not called', true, 'no action was asked for; name one with --action']])
})

test('a trap, a loop and a code that is not 0 are faults with their words', async () => {
  using plugin = newPlugin({ 'plugin.toml': toml, 'plugin.wasm': keys })
  for (const [action, code, finding] of [
    ['trap', null, ['crash', false, 'execute trapped: unreachable']],
    ['loop', null, ['budget', false, 'execute ran out of fuel: it was given 100000000 instructions']],
    ['other', 3, ['failed', false, 'other returned 3, not 0: it failed, or has no such action']],
  ] as const) {
    const said = await report(plugin.directory, '--action', action)
    assert.deepEqual([said.exit, said.call.code, findingsOf(said)], [1, code, [finding]])
    assert.equal(said.log.length, 1, 'what it said before is told')
  }
})

test('a plugin that cannot say what it is is not loaded, and not called', async () => {
  using plugin = newPlugin({ 'plugin.toml': toml, 'plugin.wasm': actionModule('', 'no JSON') })
  const { code, stdout } = await run(plugin.directory, '--action', 'hello')
  assert.equal(code, 1)
  assert.match(stdout, /^loaded +no$/m)
  assert.match(stdout, /^finding +crash, while it was loaded: init\(\) returned metadata that is not JSON/m)
  assert.doesNotMatch(stdout, /^called/m)
})

test('a plugin that nothing but its module describes has its directory’s name, or that of the file', async () => {
  using plugin = newPlugin({ 'other.wasm': zenithModule() })
  const input = plugin.writeBeside('in', 'some input')
  const output = plugin.beside('out')
  const { exit, call, findings, ...rest } = await report(plugin.directory, '--input', input, '--output', output)
  assert.deepEqual([exit, rest.plugin, rest.abi, rest.described.name], [0, 'keys', 'zenith-1', 'copier'])
  const sha256 = createHash('sha256').update('some input').digest('hex')
  assert.deepEqual([call.operation, call.code, call.output], ['process', 0, { bytes: 10, sha256, file: output }])
  assert.deepEqual(findings, [])
  assert.equal(readFileSync(output, 'utf8'), 'some input')
  const { stdout } = await run(join(plugin.directory, 'other.wasm'), '--input', input)
  assert.match(stdout, /^plugin +other, zenith-1$/m)
  assert.match(stdout, new RegExp(`^output +10 bytes, SHA-256 ${sha256}$`, 'm'))
})

test('an operation of another name has its parameters and its room', async () => {
  const adds = `(func (export "add") (param $in i32) (param $params i32) (param $out i32) (result i32)
    (i32.store8 (local.get $out) (i32.add (i32.load8_u (local.get $in)) (i32.load (local.get $params)))) (i32.const 0))`
  using plugin = newPlugin({ 'plugin.wasm': zenithModule(adds) })
  const [input, output] = [plugin.writeBeside('in', 'a'), plugin.beside('out')]
  const files = ['--input', input, '--output', output]
  const said = await report(
    plugin.directory,
    ...files,
    '--operation',
    'add',
    '--params',
    'u32:3',
    '--output-bytes',
    '1',
  )
  assert.deepEqual([said.exit, said.findings], [0, []])
  assert.equal(readFileSync(output, 'utf8'), 'd')
})

test('a file that is there is not overwritten by a call that failed', async () => {
  const fails = `(func (export "refuse") (param i32 i32 i32 i32) (result i32) (i32.const -1))
    (func (export "trap") (param i32 i32 i32 i32) (result i32) unreachable)`
  using plugin = newPlugin({ 'plugin.wasm': zenithModule(fails) })
  const output = plugin.writeBeside('out', 'before')
  const refused = await report(plugin.directory, '--operation', 'refuse', '--output', output)
  assert.deepEqual([refused.exit, refused.call.output], [1, null])
  assert.deepEqual(findingsOf(refused), [['failed', false, 'refuse returned -1, not 0: the input is not valid']])
  const trapped = await report(plugin.directory, '--operation', 'trap', '--output', output)
  assert.deepEqual([trapped.exit, trapped.call.output], [1, null])
  assert.equal(readFileSync(output, 'utf8'), 'before')
})

test('a process that never writes the length of its output is told so, and it is no fault', async () => {
  const silent = `(func (export "process") (param i32 i32 i32 i32) (result i32) (i32.const 0))
    (func (export "fill") (param i32 i32 i32 i32) (result i32)
      (memory.fill (local.get 2) (i32.const 1) (i32.load (local.get 3))) (i32.const 0))`
  using plugin = newPlugin({ 'plugin.wasm': zenithModule(silent) })
  const input = plugin.writeBeside('in', 'some input')
  const said = await report(plugin.directory, '--input', input)
  assert.deepEqual([said.exit, said.call.output.bytes], [0, 65_576])
  const sentence =
    'it left *output_len at the capacity, 65576, so the output is all that there was room for, and ends with zeros; write there how long the output is'
  assert.deepEqual(findingsOf(said), [['output length', true, sentence]])
  const full = await report(plugin.directory, '--operation', 'fill', '--output-bytes', '9')
  assert.deepEqual([full.call.output.bytes, full.findings], [9, []], 'an output that fills all there is')
})

test('what its manifest asks for in vain is a note', async () => {
  const asks = `${toml}[capabilities]\nrequired = ["Network", "FileSystem"]
[permissions]\nnetwork = ["example.com"]\nfile_system = [{ path = "notes", access = "read" }]\n`
  using plugin = newPlugin({ 'plugin.toml': asks, 'plugin.wasm': keys })
  const said = await report(plugin.directory, '--action', 'hello')
  const notes = [
    ['network', true, 'the network is not reachable here: http_request and udp_send answer -1'],
    ['not granted', true, 'FileSystem is not granted: it asks for notes (read)'],
  ]
  assert.deepEqual([said.exit, findingsOf(said)], [0, notes])
})

test('a function of the host that it was not granted is a fault, also when it runs on', async () => {
  const sends = `(import "env" "udp_send" (func $send (param i32 i32 i32 i32) (result i32)))
    (func (export "execute") (param i32 i32) (result i32)
      (drop (call $send (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 4))) (i32.const 0))`
  using plugin = newPlugin({ 'plugin.toml': toml, 'plugin.wasm': actionModule(sends) })
  const { exit, call, findings } = await report(plugin.directory, '--action', 'hello')
  assert.deepEqual([exit, call.code, findings.length], [1, 0, 1])
  assert.deepEqual([findings[0].kind, findings[0].note, findings[0].during], ['capability', false, 'call'])
})

test('what cannot be asked for is refused with one sentence, and writes nothing', async () => {
  using action = newPlugin({ 'plugin.toml': toml, 'plugin.wasm': keys })
  using zenith = newPlugin({ 'plugin.wasm': zenithModule() })
  using ticking = newPlugin({ 'plugin.wasm': await buildWasmPlugin('loops') })
  using other = newPlugin({ 'plugin.toml': `${toml}checksum = "sha256:${'ab'.repeat(32)}"\n`, 'plugin.wasm': keys })
  using unnamed = newPlugin({ 'a name.wasm': zenithModule() })
  const [input, output] = [zenith.writeBeside('in', 'some input'), zenith.beside('out')]
  for (const [args, code, sentence] of [
    [
      [action.directory, '--action', 'hello', '--output', output],
      4,
      /^wheelctl: REQUEST_INVALID: --output is no option for keys, an action \(midimon-action-1\); leave it out, or take one of --action, --param, .*--mode\n$/,
    ],
    [
      [zenith.directory, '--input', input, '--output', output, '--note', '3'],
      4,
      /^wheelctl: REQUEST_INVALID: --note is no option for keys, a preprocessor \(zenith-1\); leave it out, or take/,
    ],
    [[zenith.directory, '--ticks'], 4, /^wheelctl: REQUEST_INVALID: --ticks is no option for keys, a preprocessor/],
    [[zenith.directory, '--action', 'a'], 4, /^wheelctl: REQUEST_INVALID: --action is no option for keys, a preproc/],
    [[action.directory, '--note', '3'], 4, /^wheelctl: REQUEST_INVALID: keys is not called, .*; add --action\n$/],
    [[action.directory, '--action', ''], 4, /^wheelctl: REQUEST_INVALID: action is empty/],
    [[action.directory, '--action', 'a', '--note', '128'], 4, /whole number from 0 to 127/],
    [
      [zenith.directory, '--operation', 'none', '--output', output],
      4,
      /^wheelctl: REQUEST_INVALID: the plugin has no operation "none"; it has process\n$/,
    ],
    [
      [zenith.directory, '--input', input, '--output', '-'],
      4,
      /^wheelctl: REQUEST_INVALID: --output - and the report both write to stdout; name a file for the output\n$/,
    ],
    [[zenith.directory, '--input', zenith.beside('none')], 1, /^wheelctl: FILE_MISSING: .*none cannot be read/],
    [
      [ticking.directory],
      4,
      /^wheelctl: PLUGIN_INVALID: .* which runs at a rate .*; describe it with a plugin\.yaml\n$/,
    ],
    [[other.directory], 4, /^wheelctl: PLUGIN_INVALID: .* has the SHA-256 .*, and its manifest says (ab){32}; install/],
    [[join(unnamed.directory, 'a name.wasm')], 4, /^wheelctl: MANIFEST_INVALID: .* its name is the plugin's; write 1/],
    [[join(zenith.directory, 'none.wasm')], 1, /^wheelctl: FILE_MISSING: /],
  ] as const) {
    const ended = await run(...args)
    assert.match(ended.stderr, sentence)
    assert.deepEqual([ended.code, ended.stdout], [code, ''], ended.stderr)
  }
  assert.ok(!existsSync(output))
})
