import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RigError } from '../../rpc/failure.ts'
import type { CallOutcome } from './call-messages.ts'
import { type CalledPlugin, calledPlugin } from './testing/call.ts'
import { zenithModule } from './testing/call-guests.ts'

const text = (outcome: CallOutcome): string => Buffer.from(outcome.output).toString()
const input = Buffer.from('some input')
/** A fault of the next call, in words. */
const fault = ({ fault }: CallOutcome): string => `${fault?.kind}: ${fault?.detail}`
const isRefused = (sentence: RegExp) => (cause: unknown) =>
  cause instanceof RigError && cause.code === 'REQUEST_INVALID' && sentence.test(cause.message)

const process = (body: string): string => `(func (export "process") (param i32 i32 i32 i32) (result i32) ${body})`

test('a plugin says what it is, and its process gives back what it writes', async () => {
  const plugin = await calledPlugin(zenithModule())
  assert.deepEqual(plugin.describe().described, { name: 'copier', version: '1.2.3', description: '' })
  const outcome = plugin.process({ input })
  assert.deepEqual([outcome.code, outcome.fault, text(outcome)], [0, undefined, 'some input'])
  assert.ok(outcome.fuelUsed > 10 && outcome.fuelUsed < 100, `${outcome.fuelUsed} instructions`)
})

test('the capacity goes in: what does not fit is the plugin’s own code, and the output is empty then', async () => {
  const plugin = await calledPlugin(zenithModule())
  assert.equal(text(plugin.process({ input, outputBytes: 10 })), 'some input')
  const tooLittle = plugin.process({ input, outputBytes: 9 })
  assert.deepEqual([tooLittle.code, tooLittle.fault, tooLittle.output.length], [-2, undefined, 0])
})

test('an instance is initialised once and stays; its cleanup is called at the end', async () => {
  const counts = `(import "env" "host_log" (func $log (param i32 i32)))
    (global $starts (mut i32) (i32.const 0)) (global $calls (mut i32) (i32.const 0))
    (func (export "init") (result i32) (global.set $starts (i32.add (global.get $starts) (i32.const 1))) (i32.const 0))
    (func (export "cleanup") (call $log (i32.const 16) (i32.const 6)))
    ${process(`(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
      (i32.store (local.get 2) (i32.add (i32.mul (global.get $starts) (i32.const 100)) (global.get $calls)))
      (i32.store (local.get 3) (i32.const 4)) (i32.const 0)`)}`
  const plugin = await calledPlugin(zenithModule(counts))
  const values = [1, 2, 3].map(() => Buffer.from(plugin.process({ input }).output).readUInt32LE())
  assert.deepEqual(values, [101, 102, 103])
  plugin.forget()
  assert.deepEqual(plugin.lines, ['info copier'])
  assert.equal(Buffer.from(plugin.process({ input }).output).readUInt32LE(), 101)
})

test('an operation of another name has its own parameters, and says nothing of its length', async () => {
  const adds = `(func (export "add_to_all") (param $in i32) (param $params i32) (param $out i32) (result i32)
    (local $at i32)
    (loop $next
      (i32.store8 (i32.add (local.get $out) (local.get $at))
        (i32.add (i32.load8_u (i32.add (local.get $in) (local.get $at))) (i32.load (local.get $params))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $at) (i32.load offset=4 (local.get $params)))))
    (i32.const 0))`
  const plugin = await calledPlugin(zenithModule(adds))
  const parameters = Buffer.from(new Uint32Array([1, 3]).buffer)
  const request = { operation: 'add_to_all', input: Buffer.from('abc'), parameters }
  assert.equal(text(plugin.process({ ...request, outputBytes: 3 })), 'bcd')
  assert.throws(() => plugin.process(request), isRefused(/add_to_all does not say how long its output is; ask for/))
  assert.throws(
    () => plugin.process({ operation: 'process', input, parameters }),
    isRefused(/process has no place for/),
  )
  assert.throws(
    () => plugin.process({ operation: 'nothing' }),
    isRefused(/no operation "nothing"; it has add_to_all, process$/),
  )
  assert.throws(() => plugin.process({ operation: 'plugin_info' }), isRefused(/no operation "plugin_info"/))
  assert.throws(() => plugin.process({ operation: 'toString' }), isRefused(/no operation "toString"/))
  assert.equal(text(plugin.process({ ...request, outputBytes: 3 })), 'bcd', 'a refusal costs it nothing')
})

test('an operation that counts in four bytes has room for, and gives back, so many times four', async () => {
  const words = process(`(i32.store (local.get 2) (i32.load (local.get 3))) (i32.store (local.get 3) (i32.const 2))
    (i32.const 0)`)
  const plugin = await calledPlugin(zenithModule(words))
  const { output } = plugin.process({ input, outputBytes: 43, elementBytes: 4 })
  assert.deepEqual([Buffer.from(output).readUInt32LE(), output.length], [10, 8])
})

test('a filter of events has a number and a value', async () => {
  const event = `(func (export "on_event") (param i32 i64) (result i32)
    (i32.add (local.get 0) (i32.wrap_i64 (local.get 1))))`
  const plugin = await calledPlugin(zenithModule(event))
  const parameters = Buffer.alloc(12)
  parameters.writeInt32LE(-5)
  parameters.writeBigInt64LE(12n, 4)
  assert.equal(plugin.process({ operation: 'on_event', parameters }).code, 7)
  assert.throws(() => plugin.process({ operation: 'on_event' }), isRefused(/are 0 bytes; send 12: an i32 and an i64/))
  assert.throws(
    () => plugin.process({ operation: 'on_event', parameters, input }),
    isRefused(/takes an event and no input/),
  )
})

test('what a plugin logs is a line, cleaned, and one that is outside its memory is none', async () => {
  const logs = `(import "env" "host_log" (func $log (param i32 i32)))
    (data (i32.const 64) "one\\1b[2J two")
    (func (export "init") (result i32)
      (call $log (i32.const 64) (i32.const 11)) (call $log (i32.const -1) (i32.const 2))
      (call $log (i32.const 0) (i32.const -1)) (i32.const 0))`
  const plugin = await calledPlugin(zenithModule(logs))
  plugin.process({ input })
  assert.deepEqual(plugin.lines, ['info one two'])
})

async function faultsOf(fields: string, calls: (plugin: CalledPlugin) => CallOutcome = (it) => it.process({ input })) {
  const plugin = await calledPlugin(zenithModule(fields))
  return fault(calls(plugin))
}

test('a plugin that says more than there was room for is told so, and its next call is another instance', async () => {
  const plugin = await calledPlugin(
    zenithModule(`(global $calls (mut i32) (i32.const 0))
      ${process(`(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
        (i32.store (local.get 3) (select (i32.const -1) (i32.const 0) (i32.gt_u (global.get $calls) (i32.const 1))))
        (i32.const 0)`)}`),
  )
  assert.equal(plugin.process({ input, outputBytes: 8 }).fault, undefined)
  assert.equal(
    fault(plugin.process({ input, outputBytes: 8 })),
    'crash: process says that its output is 4294967295 long, and there was room for 8',
  )
  assert.equal(plugin.process({ input, outputBytes: 8 }).fault, undefined)
})

test('traps, loops and lies are faults with their words', async () => {
  assert.equal(await faultsOf(process('unreachable')), 'crash: process trapped: unreachable')
  assert.equal(
    await faultsOf(process('(loop $l (br $l)) (i32.const 0)')),
    'budget: process ran out of fuel: it was given 100000000 instructions',
  )
  assert.equal(
    await faultsOf(process('(i32.load (i32.const -4))')),
    'crash: process trapped: memory access out of bounds',
  )
  assert.equal(await faultsOf('(func (export "init") (result i32) (i32.const 3))'), 'crash: init() returned 3, not 0')
  assert.equal(await faultsOf('(func (export "init") (result i32) unreachable)'), 'crash: init trapped: unreachable')
  const info = (body: string): string => `(func (export "plugin_info") (result i32) ${body})`
  assert.match(
    await faultsOf(info('(i32.const -1)')),
    /^crash: plugin_info\(\) returned 4294967295, where no text of at most 256 bytes ends with a zero$/,
  )
  assert.match(
    await faultsOf(
      `${info('(i32.const 0)')} (func $fill (memory.fill (i32.const 0) (i32.const 65) (i32.const 65536))) (start $fill)`,
    ),
    /^crash: plugin_info\(\) returned 0, where no text/,
  )
})

test('an input that is larger than the plugin may have memory for is refused, and costs it nothing', async () => {
  const plugin = await calledPlugin(zenithModule(), { memoryBytes: 1 << 20 })
  assert.throws(
    () => plugin.process({ input: new Uint8Array(2 << 20) }),
    isRefused(
      /input, parameters and output are \d+ bytes, and the plugin's memory, 65536 bytes now, may not grow by as much/,
    ),
  )
  assert.equal(text(plugin.process({ input, outputBytes: 100 })), 'some input')
})

test('memory for larger inputs is behind that for smaller ones, or behind what the plugin took since', async () => {
  const grows = `(func (export "grow") (param i32 i32 i32) (result i32) (drop (memory.grow (i32.const 3))) (i32.const 0))`
  const plugin = await calledPlugin(zenithModule(grows))
  const sizes = [10, 100_000, 1_000_000]
  const copies = (bytes: number): void => {
    const large = Buffer.alloc(bytes, 'abc')
    assert.deepEqual(Buffer.from(plugin.process({ input: large }).output), large)
  }
  sizes.forEach(copies)
  plugin.process({ operation: 'grow', outputBytes: 0 })
  for (const bytes of [2_000_000, ...sizes]) copies(bytes)
})

test('a plugin whose allocator takes all memory to its end does not write over its input', async () => {
  // As the bump allocators of the time: from the bottom of the heap, whatever the host put behind.
  const bump = process(`(memory.fill (i32.const 4096) (i32.const 7) (i32.const 4000000))
    (memory.copy (local.get 2) (local.get 0) (local.get 1)) (i32.store (local.get 3) (local.get 1)) (i32.const 0)`)
  const plugin = await calledPlugin(zenithModule(bump))
  assert.equal(text(plugin.process({ input })), 'some input')
})
