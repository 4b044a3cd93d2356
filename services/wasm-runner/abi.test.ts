import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RigError } from '../../rpc/failure.ts'
import { recogniseAbi } from './abi.ts'
import { readModuleShape } from './module-shape.ts'
import { type GuestModule, guestModule } from './testing/guest-module.ts'
import { buildSample } from './testing/samples.ts'

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
