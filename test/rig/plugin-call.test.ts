import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Plugin, PluginServiceClient } from '../../gen/proto/openracing/v1/plugin.ts'
import { connect, within } from '../../rpc/client.ts'
import { speakingAction, zenithModule } from '../../services/wasm-runner/testing/call-guests.ts'
import { buildSample } from '../../services/wasm-runner/testing/samples.ts'
import { buildProject } from '../plugin-project.ts'
import { runWheelctl } from '../wheelctl.ts'
import { type RigUnderTest, startRig } from './rig.ts'

const keys = speakingAction(7)

const logs = zenithModule(`(import "env" "host_log" (func $log (param i32 i32)))
  (func (export "init") (result i32) (i32.const 0))
  (func (export "shout") (param i32 i32 i32 i32) (result i32)
    (call $log (local.get 0) (local.get 1)) (i32.store (local.get 3) (i32.const 0)) (i32.const 0))
  (func (export "refuse") (param i32 i32 i32 i32) (result i32) (i32.const -1))`)

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

const manifest = (name: string, checksum: string): string =>
  `[plugin]\nname = "${name}"\nversion = "2.0.0"\n[binary]\npath = "plugin.wasm"\nchecksum = "sha256:${checksum}"\n`

async function startCallRig(): Promise<RigUnderTest> {
  const samples = {
    'zenith-resize': await buildSample('zenith-resize'),
    'zenith-tokenizer': await buildSample('zenith-tokenizer'),
  }
  return startRig((home) => {
    const write = (name: string, file: string, content: string | Uint8Array): void => {
      mkdirSync(join(home.pluginDir, name), { recursive: true })
      writeFileSync(join(home.pluginDir, name, file), content)
    }
    for (const [name, bytes] of Object.entries({ ...samples, shouter: logs })) write(name, `${name}.wasm`, bytes)
    buildProject(home.pluginDir, 'capitals', { template: 'zenith', language: 'assemblyscript' })
    for (const [name, checksum] of [
      ['keys', sha256(keys)],
      ['other-keys', 'ab'.repeat(32)],
    ] as const) {
      write(name, 'plugin.wasm', keys)
      write(name, 'plugin.toml', manifest(name, checksum))
    }
  })
}

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const run = async (rig: RigUnderTest, ...args: readonly string[]): Promise<Ended> =>
  runWheelctl(rig.rig.home, ['plugin', ...args]).then(
    (ended) => ({ ...ended, code: 0 }),
    (cause) => cause as Ended,
  )

test('plugins that run when somebody asks are called through wheelctl, end to end', { timeout: 240_000 }, async (t) => {
  await using rig = await startCallRig()
  const file = (name: string): string => join(rig.rig.home.stateDir, name)
  const write = (name: string, bytes: Uint8Array | string): string => {
    writeFileSync(file(name), bytes)
    return file(name)
  }

  await t.test('they are listed as on call, with what they say they are', async () => {
    const { stdout } = await run(rig, 'list')
    assert.match(stdout, /^keys +Safe +2\.0\.0 +running +on call +0 .*keys v0\.1\.0: Does nothing/m)
    assert.match(stdout, /^zenith-resize +Safe +1\.0\.0 +running +on call/m)
    assert.match(stdout, /^copier +Safe +1\.2\.3 +running +on call/m, 'shouter.wasm calls itself copier')
  })

  await t.test('an artefact that is not the one of its manifest is refused, with both checksums', async () => {
    const plugins: readonly Plugin[] = await rig.plugins()
    const other = plugins.find(({ directory }) => directory === 'other-keys')
    assert.match(
      other?.detail ?? '',
      new RegExp(
        `^PLUGIN_INVALID: .*plugin\\.wasm has the SHA-256 ${sha256(keys)}, and its manifest says (ab){32}; install`,
      ),
    )
    const { code, stderr } = await run(rig, 'execute', 'other-keys', 'hello')
    assert.equal(code, 1)
    assert.match(
      stderr,
      /PLUGIN_FAILED: other-keys does not run \(PLUGIN_INVALID: .*; see `wheelctl plugin info other-keys`/,
    )
  })

  await t.test('an action: its code, its lines, and how it failed', async () => {
    const good = await run(rig, 'execute', 'KEYS', 'hello', '--param', 'a', '--param', 'b', '--velocity', '100')
    assert.deepEqual([good.code, good.stdout], [0, ''])
    assert.match(good.stderr, /^warn: heard\ncode 0, \d+ instructions, \d+ µs\n$/)
    const other = await run(rig, 'execute', 'keys', 'other')
    assert.equal(other.code, 1)
    assert.match(other.stderr, /^code 7,/m)
    const asked = await run(rig, 'execute', 'keys', 'other', '--json')
    const { code, fault, lines } = JSON.parse(asked.stdout)
    assert.deepEqual([asked.code, code, fault, lines], [1, 7, '', [{ level: 'warn', text: 'heard' }]])
    const trap = await run(rig, 'execute', 'keys', 'trap')
    assert.equal(trap.code, 1)
    assert.match(trap.stderr, /^warn: heard\n.*PLUGIN_FAILED: execute trapped: unreachable$/m)
    const loop = await run(rig, 'execute', 'keys', 'loop')
    assert.equal(loop.code, 1)
    assert.match(loop.stderr, /PLUGIN_FAILED: execute ran out of fuel: it was given 100000000 instructions/)
    const { stdout } = await run(rig, 'info', 'keys')
    assert.match(stdout, /^executions +3, 4 failed/m)
    assert.match(stdout, /^violation: crash +1, .*execute trapped: unreachable$/m)
    assert.match(stdout, /^violation: budget +1, /m)
  })

  await t.test('an operation over a file gives a file, byte by byte', async () => {
    const [width, height] = [400, 300]
    const pixels = Buffer.from(Array.from({ length: width * height * 3 }, (_, at) => (at * 7 + (at >> 9)) & 255))
    const input = write('picture', pixels)
    const resize = [
      'process',
      'zenith-resize',
      '--operation',
      'resize_image',
      '--input',
      input,
      '--output',
      file('small'),
    ]
    const params = `u32:${width},u32:${height},u32:200,u32:150`
    const { code, stderr } = await run(rig, ...resize, '--params', params, '--output-bytes', `${200 * 150 * 3}`)
    assert.equal(code, 0, stderr)
    const half = Buffer.alloc(200 * 150 * 3)
    for (let y = 0; y < 150; y++)
      for (let x = 0; x < 200; x++)
        pixels.copy(half, (y * 200 + x) * 3, (2 * y * width + 2 * x) * 3, (2 * y * width + 2 * x) * 3 + 3)
    assert.ok(half.equals(readFileSync(file('small'))))
    const unsaid = await run(rig, ...resize, '--params', params)
    assert.equal(unsaid.code, 4)
    assert.match(unsaid.stderr, /REQUEST_INVALID: resize_image does not say how long its output is; .*--output-bytes/)
  })

  await t.test('a project of `plugin new --template zenith`, in the plugin directory as it was built', async () => {
    const input = write('text', 'zenith 1')
    const { code, stderr } = await run(rig, 'process', 'capitals', '--input', input, '--output', file('capitals'))
    assert.equal(code, 0, stderr)
    assert.equal(readFileSync(file('capitals'), 'utf8'), 'ZENITH 1')
  })

  await t.test('a tokeniser over a document', async () => {
    const document = readFileSync(new URL('../../docs/failures.md', import.meta.url))
    const words = ['tokenize', '--element-bytes', '4', '--input', write('text', document), '--output', file('tokens')]
    assert.equal((await run(rig, 'process', 'zenith-tokenizer', '--operation', ...words)).code, 0)
    const expected = document
      .toString()
      .split(/\p{White_Space}+/u)
      .filter((word) => word !== '')
      .map((word) => Buffer.from(word).reduce((hash, byte) => (Math.imul(hash, 31) + byte) >>> 0, 0))
    assert.deepEqual([...new Uint32Array(new Uint8Array(readFileSync(file('tokens'))).buffer)], expected)
  })

  await t.test('megabytes pass through, empty files too; a code that is not 0 writes no file', async () => {
    const large = Buffer.alloc(9_000_000, 'abcdefg')
    const copy = (name: string, ...more: readonly string[]) =>
      run(rig, 'process', 'shouter', '--input', file(name), '--output', file(`${name}-copy`), ...more)
    write('large', large)
    assert.equal((await copy('large')).code, 0)
    assert.ok(large.equals(readFileSync(file('large-copy'))))
    write('empty', '')
    assert.equal((await copy('empty')).code, 0)
    assert.equal(readFileSync(file('empty-copy')).length, 0)
    write('refused', 'x')
    const { code, stderr } = await copy('refused', '--operation', 'refuse')
    assert.equal(code, 1)
    assert.match(stderr, /^code -1, /)
    assert.equal(existsSync(file('refused-copy')), false)
  })

  await t.test('lines of a plugin go to stderr, and its output to stdout where that is asked for', async () => {
    write('word', 'hello there')
    const shout = await run(
      rig,
      'process',
      'shouter',
      '--operation',
      'shout',
      '--input',
      file('word'),
      '--output',
      file('x'),
    )
    assert.match(shout.stderr, /^info: hello there\ncode 0/)
    const piped = await run(rig, 'process', 'shouter', '--input', file('word'), '--output', '-')
    assert.equal(piped.stdout, 'hello there')
    const unwritable = await run(rig, 'process', 'shouter', '--input', file('word'), '--output', file('no/such/place'))
    assert.equal(unwritable.code, 1)
    assert.match(unwritable.stderr, /FILE_MISSING: .*place cannot be written \(ENOENT/)
  })

  await t.test('what cannot be asked is refused with one sentence and the remedy', async () => {
    const refusal = async (...args: readonly string[]): Promise<readonly [number, string]> => {
      const { code, stderr } = await run(rig, ...args)
      return [code, stderr]
    }
    const over = (id: string) => refusal('process', id, '--input', file('word'), '--output', file('x'))
    const [unknown, unknownWords] = await refusal('execute', 'nobody', 'hello')
    assert.equal(unknown, 1)
    assert.match(unknownWords, /PLUGIN_UNKNOWN: no installed plugin has the id, directory or name "nobody"/)
    const [ticking, tickingWords] = await over('rpm-leds')
    assert.equal(ticking, 4)
    assert.match(tickingWords, /REQUEST_INVALID: rpm-leds runs at 60 Hz and cannot be asked; ask one that/)
    const [operation, operationWords] = await refusal('execute', 'zenith-resize', 'hello')
    assert.equal(operation, 4)
    assert.match(
      operationWords,
      /zenith-resize is a plugin of zenith-1, which has operations .*`wheelctl plugin process`/,
    )
    const [action, actionWords] = await over('keys')
    assert.equal(action, 4)
    assert.match(actionWords, /keys is a plugin of midimon-action-1, which has actions; .*`wheelctl plugin execute`/)
    const [missing, missingWords] = await refusal('process', 'shouter', '--input', file('none'), '--output', file('x'))
    assert.equal(missing, 1)
    assert.match(missingWords, /FILE_MISSING: .*none cannot be read/)
  })

  await t.test('a client that sends too much, or no start, or goes away, hurts nobody', async () => {
    const client = connect(PluginServiceClient, `unix:${rig.rig.home.socket('host')}`)
    const ended = async (send: (stream: ReturnType<typeof client.processInput>) => void): Promise<string> => {
      const stream = client.processInput(...within(60_000))
      send(stream)
      try {
        for await (const _ of stream);
        return 'it was answered'
      } catch (cause) {
        return (cause as { details: string }).details
      }
    }
    const start = {
      $case: 'start',
      value: { plugin: 'shouter', operation: '', parameters: Buffer.alloc(0), outputBytes: undefined, elementBytes: 0 },
    } as const
    const input = (bytes: number) => ({ part: { $case: 'input', value: Buffer.alloc(bytes) } }) as const
    assert.match(await ended((stream) => stream.end(input(1))), /REQUEST_INVALID: the first request has no start/)
    assert.match(await ended((stream) => stream.end()), /the first request has no start/)
    // Nobody ends these: the refusal must not wait for what does not come.
    assert.match(
      await ended((stream) => {
        for (const part of [start, start]) stream.write({ part })
      }),
      /a request after the first has no input/,
    )
    assert.match(
      await ended((stream) => stream.write({ part: { ...start, value: { ...start.value, elementBytes: 9 } } })),
      /REQUEST_INVALID: element_bytes is 9; send 0 to 8/,
    )
    const pieces = (count: number) => (stream: ReturnType<typeof client.processInput>) => {
      stream.write({ part: start })
      for (let piece = 0; piece < count; piece++) stream.write(input(1 << 20))
    }
    assert.match(await ended(pieces(65)), /REQUEST_INVALID: the input is more than 67108864 bytes; send it in parts/)
    const away = ended((stream) => {
      pieces(3)(stream)
      setImmediate(() => stream.cancel())
    })
    assert.match(await away, /Cancelled/)
    client.close()
    assert.equal((await run(rig, 'execute', 'keys', 'hello')).code, 0)
  })
})
