import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RigError } from '../../rpc/failure.ts'
import { type Abi, recogniseAbi } from './abi.ts'
import { asOnCall, asTicking } from './abi-use.ts'
import { readModuleShape } from './module-shape.ts'
import { type GuestModule, guestModule } from './testing/guest-module.ts'
import { buildSample } from './testing/samples.ts'
import { wasmOf } from './testing/wasm-text.ts'

const usual = { process: 'process', initialize: 'initialize', shutdown: 'shutdown' }
const recognise = (guest: GuestModule): string => recogniseAbi(readModuleShape(guestModule(guest)), usual)

const refuses = (act: () => unknown, sentence: RegExp): void =>
  assert.throws(
    act,
    (cause) => cause instanceof RigError && cause.code === 'PLUGIN_INVALID' && sentence.test(cause.message),
  )

test('the samples are recognised by their exports, and the reader sees what V8 sees', async () => {
  for (const name of ['rpm-leds', 'slip-ffb'] as const) {
    const bytes = await buildSample(name)
    const shape = readModuleShape(bytes)
    assert.equal(recogniseAbi(shape, usual), 'openracing-sdk-1')
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { set_custom_data: () => 0 } })
    assert.deepEqual([...shape.exports.keys()].sort(), Object.keys(instance.exports).sort())
  }
})

test('a sample stays small: no runtime, and no import that it does not call', async () => {
  assert.deepEqual(readModuleShape(await buildSample('rpm-leds')).imports, [])
  assert.deepEqual(readModuleShape(await buildSample('slip-ffb')).imports, [
    { module: 'env', name: 'set_custom_data', signature: '(i32, i32, i32, i32) -> i32' },
  ])
  assert.ok((await buildSample('rpm-leds')).length < 4096)
})

test('a module without an entry point is refused, with what it has and what it needs', () => {
  refuses(
    () => recognise({ without: ['process', 'alloc'] }),
    /exports openracing_abi \(\) -> i32; dealloc .*; openracing-sdk-1 needs .*process \(i32, i32, i32, i32\) -> i32/,
  )
})

test('a module without shutdown is recognised: it is optional', () => {
  assert.equal(recognise({ without: ['shutdown'] }), 'openracing-sdk-1')
})

test('an entry point with another signature is another entry point', () => {
  const names = { ...usual, process: 'alloc' }
  refuses(() => recogniseAbi(readModuleShape(guestModule()), names), /matches no ABI/)
})

test('entry points may have other names', () => {
  const names = { ...usual, initialize: 'nothing_of_this_name' }
  refuses(() => recogniseAbi(readModuleShape(guestModule()), names), /needs .*nothing_of_this_name/)
})

const importing = (module: string, name: string, parameters: readonly ('i32' | 'i64' | 'f32')[]): GuestModule => ({
  imports: [{ module, name, parameters, results: ['i32'] }],
})

test('a module may want any function of WASI preview 1, as preview 1 has it, and nothing of another WASI', () => {
  const fourNumbers = ['i32', 'i32', 'i32', 'i32'] as const
  assert.equal(recognise(importing('wasi_snapshot_preview1', 'fd_write', fourNumbers)), 'openracing-sdk-1')
  refuses(
    () => recognise(importing('wasi_snapshot_preview1', 'fd_write', ['i32'])),
    /imports wasi_snapshot_preview1\.fd_write as \(i32\) -> i32; the host has it as \(i32, i32, i32, i32\) -> i32/,
  )
  refuses(
    () => recognise(importing('wasi_unstable', 'fd_write', fourNumbers)),
    /imports wasi_unstable\.fd_write, which the host does not have.*WASI preview 1 in wasi_snapshot_preview1/,
  )
  refuses(() => recognise(importing('wasi_snapshot_preview1', 'valueOf', ['i32'])), /the host does not have/)
})

test('a module that wants a function that the host does not have is refused, with those that it has', () => {
  refuses(
    () => recognise(importing('env', 'abort', ['i32'])),
    /imports env\.abort.*the host does not have; it has log_debug/,
  )
  refuses(() => recognise(importing('env', 'toString', ['i32'])), /imports env\.toString/)
  refuses(() => recognise(importing('host', 'log_info', ['i32'])), /imports host\.log_info/)
})

test('a host function under another signature is refused before it could be called with the wrong kind of number', () => {
  refuses(
    () => recognise(importing('env', 'send_message', ['i64', 'i32', 'i32', 'i32'])),
    /imports env\.send_message as \(i64, i32, i32, i32\) -> i32; the host has it as \(i32, i32, i32, i32\) -> i32/,
  )
})

const memory = '(memory (export "memory") 1)'
const shapeOf = (...fields: readonly string[]) => readModuleShape(wasmOf(`(module ${fields.join('\n')})`))
const exported = (name: string, type: string, body: string): string => `(func (export "${name}") ${type} ${body})`
const one = '(i32.const 0)'
const process = exported('process', '(param f32 f32) (result f32)', '(f32.const 0)')
const info = exported('plugin_info', '(result i32)', one)
const counted = (name: string): string => exported(name, '(param i32 i32 i32 i32) (result i32)', one)

test('a module may have other memories beside the one that it exports, and types of any kind beside its signatures', () => {
  const others = `(memory $mine 1) (memory $wide i64 1 1)
    (rec (type $a (struct (field (ref null $b)))) (type $b (array (mut (ref null $a)))))
    (type $open (sub (func (param i64))))`
  assert.equal(recogniseAbi(shapeOf(memory, others, process), usual), 'openracing-env-1')
})

test('what is kept on the heap that plugins share is known by its types: structures, arrays and exceptions', () => {
  for (const fields of ['(type $a (struct))', '(type $a (array i32))', '(tag)']) {
    const uses = fields === '(tag)' ? fields : `${fields} (func (param (ref null $a)))`
    assert.ok(shapeOf(memory, uses, process).makesObjects, fields)
  }
  assert.ok(!shapeOf(memory, '(type $f (sub (func))) (func $g (type $f))', process).makesObjects)
})

const allocator = [exported('alloc', '(param i32) (result i32)', one), exported('dealloc', '(param i32 i32)', '')]
const action = [
  exported('init', '(result i64)', '(i64.const 0)'),
  exported('execute', '(param i32 i32) (result i32)', one),
  ...allocator,
]

/** What is recognised, by fields of a module beside its memory. */
const recognised: readonly (readonly [string, Abi, readonly string[]])[] = [
  ['a raw module', 'openracing-env-1', [process]],
  [
    'a raw module with init and shutdown',
    'openracing-env-1',
    [process, exported('init', '(result i32)', one), exported('shutdown', '', ''), exported('_initialize', '', '')],
  ],
  [
    'a raw module whose init is called initialize',
    'openracing-env-1',
    [process, exported('initialize', '(result i32)', one)],
  ],
  ['a raw module that has its allocator exported', 'openracing-env-1', [process, ...allocator]],
  ['an action', 'midimon-action-1', action],
  [
    'an action that exports its memory functions',
    'midimon-action-1',
    [...action, exported('memcpy', '(param i32 i32 i32) (result i32)', one)],
  ],
  ['a preprocessor', 'zenith-1', [info, counted('process')]],
  [
    'a preprocessor with all that is optional',
    'zenith-1',
    [
      info,
      counted('process'),
      exported('plugin_version', '(result i32)', one),
      exported('init', '(result i32)', one),
      exported('cleanup', '', ''),
    ],
  ],
  [
    'a preprocessor of one operation',
    'zenith-1',
    [info, exported('resize_image', '(param i32 i32 i32) (result i32)', one)],
  ],
  ['a filter of events', 'zenith-1', [info, exported('on_event', '(param i32 i64) (result i32)', one)]],
]

for (const [what, abi, fields] of recognised)
  test(`${what} is ${abi}`, () => assert.equal(recogniseAbi(shapeOf(memory, ...fields), usual), abi))

const notPlain = /the memory of the module is shared or 64-bit; build it with a plain one$/
/** Memories that a plugin may not have, whatever else it is. */
const forbidden: readonly (readonly [string, readonly string[], RegExp])[] = [
  ['a shared memory', ['(memory (export "memory") 1 2 shared)'], notPlain],
  ['a 64-bit memory', ['(memory (export "memory") i64 1)'], notPlain],
  ['a shared 64-bit memory', ['(memory (export "memory") i64 1 2 shared)'], notPlain],
  ['a shared memory beside its own', [memory, '(memory 1 2 shared)'], notPlain],
  [
    'a memory of the host',
    ['(import "env" "memory" (memory 1))', '(export "memory" (memory 0))'],
    /imports env\.memory, which the host does not have/,
  ],
  [
    'a shared memory of the host',
    ['(import "env" "memory" (memory 1 2 shared))', '(export "memory" (memory 0))'],
    /imports env\.memory, which the host does not have/,
  ],
  [
    'a shared memory of the host beside its own',
    ['(import "env" "shared" (memory 1 2 shared))', memory],
    /imports env\.shared, which the host does not have/,
  ],
]

for (const [what, fields, sentence] of forbidden) {
  test(`a module with ${what} is refused, whatever its ABI`, () => {
    for (const rest of [[process], action, [info, counted('process')]])
      refuses(() => recogniseAbi(shapeOf(...fields, ...rest), usual), sentence)
  })
}

test('a module that matches none is told what it has and what each ABI needs', () => {
  const needs =
    /matches no ABI: it exports memory; plugin_info \(\) -> i32; openracing-env-1 needs .*process \(f32, f32\) -> f32.*; openracing-sdk-1 needs .*openracing_abi.*; midimon-action-1 needs .*init \(\) -> i64; execute .*; zenith-1 needs .*plugin_info \(\) -> i32; .*process, or an operation of another name, as/
  refuses(() => recogniseAbi(shapeOf(memory, info.replace('memory', '')), usual), needs)
  refuses(() => recogniseAbi(shapeOf(memory), usual), /exports memory; /)
  refuses(() => recogniseAbi(shapeOf(memory, counted('resize')), usual), /matches no ABI/)
  for (const optional of ['init', 'shutdown'])
    refuses(
      () => recogniseAbi(shapeOf(memory, process, exported(optional, '(param i32)', '')), usual),
      /matches no ABI/,
    )
  refuses(() => recogniseAbi(shapeOf(memory, ...action.slice(1)), usual), /matches no ABI/)
})

test('a module that matches two is refused with both, and what each needs', () => {
  const both =
    /matches openracing-env-1 and zenith-1, and one plugin has one ABI: it exports memory; .*; openracing-env-1 needs .*; zenith-1 needs /
  refuses(() => recogniseAbi(shapeOf(memory, process, info, counted('tokenize')), usual), both)
})

test('a name decides nothing: an action is one whatever it is called, and so is a signature of great length', () => {
  const long = `(param ${'i32 '.repeat(500)})`
  assert.throws(
    () => recogniseAbi(shapeOf(memory, exported('zenith_process', long, ''), exported('x'.repeat(300), '', '')), usual),
    (cause) => cause instanceof RigError && cause.message.length < 2000,
  )
})

test('each ABI has imports of its own', () => {
  const importing = (name: string, type: string): string => `(import "env" "${name}" (func ${type}))`
  const log = importing('host_log', '(param i32 i32)')
  const copy = importing('memcpy', '(param i32 i32 i32) (result i32)')
  const send = importing('send_message', '(param i32 i32 i32 i32) (result i32)')
  const capability = importing('check_capability', '(param i32 i32) (result i32)')
  const abiOf = (...fields: readonly string[]): Abi => recogniseAbi(shapeOf(...fields, memory), usual)
  assert.equal(abiOf(log, copy, info, counted('process')), 'zenith-1')
  assert.equal(abiOf(copy, ...action), 'midimon-action-1')
  assert.equal(abiOf(capability, process), 'openracing-env-1')
  refuses(
    () => abiOf(log, ...action),
    /imports env\.host_log, .*; it has memcpy, memmove, .* in env for midimon-action-1/,
  )
  refuses(() => abiOf(send, process), /imports env\.send_message, .*; it has log_debug, .* in env for openracing-env-1/)
  refuses(() => abiOf(capability, info, counted('process')), /it has host_log, memcpy, .* in env for zenith-1/)
})

test('a program is no plugin that is called', () => {
  const start = exported('_start', '', '')
  refuses(
    () => recogniseAbi(shapeOf(memory, start, ...action), usual),
    /is a program: it exports _start; build it as a library \(clang -mexec-model=reactor, a cdylib in Rust\)$/,
  )
})

test('a raw module is asked for its force and nothing else, and each kind is loaded as what it is', () => {
  assert.equal(asTicking('openracing-env-1', ['TelemetryProcessor']), 'openracing-env-1')
  assert.equal(asTicking('openracing-sdk-1', ['LedMapper']), 'openracing-sdk-1')
  refuses(() => asTicking('openracing-env-1', ['LedMapper']), /take LedMapper out of its operations, or build it for/)
  refuses(
    () => asTicking('zenith-1', []),
    /one of zenith-1, which runs when somebody asks .*; describe it with a plugin\.toml/,
  )
  refuses(
    () => asOnCall('openracing-sdk-1'),
    /one of openracing-sdk-1, which runs at a rate .*; describe it with a plugin\.yaml/,
  )
})
