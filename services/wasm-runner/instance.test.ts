import assert from 'node:assert/strict'
import { test } from 'node:test'
import { telemetryFrame, telemetryFrameBytes } from '../../gen/layout.ts'
import { completed } from '../../test/wasm-plugin.ts'
import { noGuard } from './guard.ts'
import { GuestFault } from './guest-fault.ts'
import { type Instance, instantiate, operationCode } from './instance.ts'
import { darkFrame } from './led-frame.ts'
import { createPostOffice } from './mailbox.ts'
import type { PluginSpec } from './plugin-spec.ts'
import { codeOf } from './testing/code.ts'
import { dataAt, type GuestModule, guestModule, op } from './testing/guest-module.ts'
import { offline } from './testing/offline.ts'
import { buildSample } from './testing/samples.ts'
import { specOf } from './testing/specs.ts'
import { wasmOf } from './testing/wasm-text.ts'

const { TelemetryProcessor, LedMapper } = operationCode
const ledCount = 15
/** Of the development machine, and what a tick of 5 ms is given there. */
const unitsPerUs = 7000
const fuel = 70_000_000

async function start(bytes: Uint8Array<ArrayBuffer>, part: Partial<PluginSpec> = {}) {
  const lines: string[] = []
  const mail = createPostOffice()
  const spec = specOf(part)
  mail.open(spec.id)
  const log = (level: string, line: string): number => lines.push(`${level} ${line}`)
  const needs = { unitsPerUs, mail, guard: noGuard, log, now: () => 0, ...offline }
  const instance = instantiate(await codeOf(bytes, part), spec, needs)
  return { instance, lines, mail, spec }
}

const isFault = (kind: 'crash' | 'budget', sentence: RegExp) => (cause: unknown) =>
  cause instanceof GuestFault && cause.violation.kind === kind && sentence.test(cause.message)

function frameOf(part: { rpm?: number; flags?: number; slip?: number; ffb?: number }): Uint8Array {
  const frame = new Uint8Array(telemetryFrameBytes)
  const view = new DataView(frame.buffer)
  view.setFloat32(telemetryFrame.rpm.offset, part.rpm ?? 0, true)
  view.setUint32(telemetryFrame.flags.offset, part.flags ?? 0, true)
  view.setFloat32(telemetryFrame.slip_ratio.offset, part.slip ?? 0, true)
  view.setFloat32(telemetryFrame.ffb_scalar.offset, part.ffb ?? 0, true)
  return frame
}

/** The bar as letters: red, green, dark. */
function barOf(instance: Instance): string {
  const frame = instance.leds()
  const letter = (red: number, green: number): string => (red === 255 ? 'R' : green === 255 ? 'G' : '.')
  return Array.from({ length: ledCount }, (_, led) => letter(frame[16 + led * 3]!, frame[17 + led * 3]!)).join('')
}

function draw(instance: Instance, part: Parameters<typeof frameOf>[0]): string {
  instance.prepare(frameOf(part), darkFrame(ledCount), undefined, fuel)
  assert.equal(instance.process(LedMapper), 1)
  return barOf(instance)
}

/** The guide's example 1, in the arithmetic of f32. */
function expectedBar(rpm: number, maxRpm = 8000, shiftPoint = 0.9): string {
  const speed = Math.min(1, Math.max(0, Math.fround(rpm / Math.fround(maxRpm))))
  const active = Math.trunc(Math.fround(speed * ledCount))
  return (speed > Math.fround(shiftPoint) ? 'R' : 'G').repeat(active).padEnd(ledCount, '.')
}

test('rpm-leds lights as many LEDs as the engine has speed, red above the shift point', async () => {
  const { instance } = await start(await buildSample('rpm-leds'))
  for (const rpm of [0, 500, 533.4, 1000, 4000, 7199, 7200, 7201, 7999, 8000, 9500, -100]) {
    assert.equal(draw(instance, { rpm }), expectedBar(rpm), `${rpm} rpm`)
  }
  assert.equal(draw(instance, { rpm: 4000 }), 'GGGGGGG........')
  assert.equal(draw(instance, { rpm: 7600 }), 'RRRRRRRRRRRRRR.')
  const view = new DataView(instance.leds().buffer)
  assert.equal(view.getFloat32(4, true), 1)
  assert.equal(view.getUint32(8, true), 50)
})

test('rpm-leds is all red under a yellow or a red flag, and not under a blue one', async () => {
  const { instance } = await start(await buildSample('rpm-leds'))
  assert.equal(draw(instance, { rpm: 1000, flags: 1 }), 'R'.repeat(15))
  assert.equal(draw(instance, { rpm: 1000, flags: 2 }), 'R'.repeat(15))
  assert.equal(draw(instance, { rpm: 1000, flags: 4 }), expectedBar(1000))
})

const configs: readonly (readonly [string, number, number])[] = [
  ['{"max_rpm":10000,"shift_point":0.5}', 10_000, 0.5],
  ['{ "shift_point" : 5e-1 , "max_rpm" : 1.2E+4 }', 12_000, 0.5],
  ['{"other":{"max_rpm":1,"list":[1,{"a":"}"}]},"text":"\\"max_rpm\\":2","max_rpm":6500.5}', 6500.5, 0.9],
  ['{"max_rpm":"9000","shift_point":null}', 8000, 0.9],
  ['{}', 8000, 0.9],
]

for (const [configJson, maxRpm, shiftPoint] of configs) {
  test(`rpm-leds reads ${configJson} as ${maxRpm} rev/min and ${shiftPoint}`, async () => {
    const { instance } = await start(await buildSample('rpm-leds'), { configJson })
    for (const share of [0.2, 0.499, 0.501, 0.89, 0.91, 1]) {
      const rpm = Math.fround(maxRpm * share)
      assert.equal(draw(instance, { rpm }), expectedBar(rpm, maxRpm, shiftPoint), `${rpm} rpm`)
    }
  })
}

test('slip-ffb raises the force by a tenth while the tyres slip, and counts its frames beside the telemetry', async () => {
  const { instance } = await start(await buildSample('slip-ffb'))
  const force = (slip: number): [number, number] => {
    instance.prepare(frameOf({ slip, ffb: 0.5 }), darkFrame(ledCount), undefined, fuel)
    return [instance.process(TelemetryProcessor), instance.scalar()]
  }
  assert.deepEqual(force(0.05), [0, 0.5])
  assert.deepEqual(force(0.1), [0, 0.5], 'a tenth is not above a tenth')
  assert.deepEqual(force(0.2), [1, Math.fround(0.5 * Math.fround(1.1))])
  assert.deepEqual([...instance.customData], [['frame_count', '3']])
})

test('a sample answers an operation that it does not have with -2', async () => {
  const leds = await start(await buildSample('rpm-leds'))
  const force = await start(await buildSample('slip-ffb'))
  assert.equal(leds.instance.process(TelemetryProcessor), -2)
  assert.equal(force.instance.process(LedMapper), -2)
})

test('a plugin is told the number of its frame, its budget and its rate', async () => {
  // Returns the three words of the context, added: 2^64 is far away.
  const words = [0, 8, 12].map((offset) => [...op.parameter(2), ...op.loadI32(offset)])
  const process = [...words[0]!, ...words[1]!, ...op.add, ...words[2]!, ...op.add]
  const { instance } = await start(guestModule({ process }), { budgetUs: 3000, rateHz: 60 })
  instance.prepare(frameOf({}), darkFrame(ledCount), undefined, fuel)
  assert.equal(instance.process(TelemetryProcessor), 1 + 3000 + 60)
  instance.prepare(frameOf({}), darkFrame(ledCount), undefined, fuel)
  assert.equal(instance.process(TelemetryProcessor), 2 + 3000 + 60)
})

test('a plugin whose memory grows within a call is still given its frames, and at its limit gets -1 and runs on', async () => {
  // Returns what memory.grow(1) did, in the hundreds, and a field of its frame.
  const grown = [...op.i32(1), ...op.grow, ...op.i32(100), ...op.multiply]
  const process = [...grown, ...op.parameter(1), ...op.loadI32(telemetryFrame.flags.offset), ...op.add]
  const { instance } = await start(guestModule({ process }), { memoryBytes: 3 * 65_536 })
  const results = [5, 6, 7, 8].map((flags) => {
    instance.prepare(frameOf({ flags }), darkFrame(ledCount), undefined, fuel)
    return instance.process(TelemetryProcessor)
  })
  assert.deepEqual(results, [105, 206, -93, -92])
})

test('a tick has the fuel of all its calls together, and says what they used', async () => {
  const { instance } = await start(guestModule({ process: [...op.busy(1000), ...op.i32(0)] }))
  const prepare = (units: number): void => instance.prepare(frameOf({}), darkFrame(ledCount), undefined, units)
  prepare(fuel)
  assert.equal(instance.fuelUsed(), 0)
  instance.process(TelemetryProcessor)
  const used = instance.fuelUsed()
  assert.ok(used > 3000 && used < 12_000, `${used} instructions`)
  prepare(used)
  assert.equal(instance.process(TelemetryProcessor), 0)
  assert.throws(
    () => instance.process(TelemetryProcessor),
    isFault('budget', /^process ran out of fuel: it was given \d+ /),
  )
  assert.ok(instance.fuelUsed() > used)
})

test('a load has fuel of its own, and a shutdown that of a tick', async () => {
  const loops = [...op.loopForever, ...op.i32(0)]
  const sentence = (name: string, units: number) => new RegExp(`^${name} ran out of fuel: it was given ${units} instr`)
  await assert.rejects(
    start(guestModule({ initialize: loops })),
    isFault('budget', sentence('initialize', 350_000_000)),
  )
  const { instance } = await start(guestModule({ shutdown: loops }))
  assert.throws(() => instance.shutdown(), isFault('budget', sentence('shutdown', fuel)))
})

test('a start function has a memory, fuel, and a name when it fails', async () => {
  const withStart = (body: string): Uint8Array<ArrayBuffer> =>
    wasmOf(`(module (import "env" "log_info" (func $log (param i32 i32))) (memory (export "memory") 1) (data (i32.const 64) "hello")
      (start $start) (func $start ${body})
      (func (export "openracing_abi") (result i32) (i32.const 1))
      (func (export "alloc") (param i32) (result i32) (i32.const 1024))
      (func (export "dealloc") (param i32 i32))
      (func (export "initialize") (param i32 i32) (result i32) (i32.const 0))
      (func (export "process") (param i32 i32 i32 i32) (result i32) (i32.const 0)))`)
  assert.deepEqual((await start(withStart('(call $log (i32.const 64) (i32.const 5))'))).lines, ['info hello'])
  await assert.rejects(start(withStart('unreachable')), isFault('crash', /^its start function trapped: unreachable$/))
  await assert.rejects(start(withStart('(loop $l (br $l))')), isFault('budget', /^its start function ran out of fuel/))
})

const faults: readonly (readonly [string, GuestModule, RegExp])[] = [
  ['another ABI version', { abi: 2 }, /openracing_abi\(\) returned 2, and the host has 1/],
  ['an initialize that traps', { initialize: op.trap }, /^initialize trapped: unreachable$/],
  ['an initialize that fails', { initialize: op.i32(-5) }, /initialize returned -5/],
  ['an alloc without memory', { alloc: op.i32(0) }, /alloc\(2\) returned 0, which is not inside its memory/],
  ['an alloc that lies', { alloc: op.i32(-16) }, /alloc\(2\) returned 4294967280/],
]

for (const [what, guest, sentence] of faults) {
  test(`a plugin with ${what} does not start`, async () => {
    await assert.rejects(start(guestModule(guest)), isFault('crash', sentence))
  })
}

/** A plugin whose process calls one host function with these numbers, and returns what it returned. */
function calling(name: string, parameters: readonly number[], part: Partial<PluginSpec> = {}, data = '') {
  return start(
    guestModule({
      imports: [{ module: 'env', name, parameters: parameters.map(() => 'i32' as const), results: ['i32'] }],
      process: [...parameters.flatMap(op.i32), ...op.call(0)],
      data,
    }),
    part,
  )
}

const outside: readonly (readonly [string, readonly number[]])[] = [
  ['check_capability', [-1, 4]],
  ['check_capability', [65_530, 14]],
  ['check_capability', [0, -1]],
  ['get_telemetry', [65_520, 32]],
  ['set_custom_data', [dataAt, 1, 0x7fff_ffff, 1]],
  ['set_custom_data', [dataAt, -5, dataAt, 1]],
  ['send_message', [dataAt, 36, -8, 16]],
  ['receive_message', [65_535, 2]],
]

for (const [name, parameters] of outside) {
  test(`${name}(${parameters.join(', ')}) leaves the plugin's memory and answers -2`, async () => {
    const { instance } = await calling(name, parameters)
    assert.equal(instance.process(TelemetryProcessor), -2)
  })
}

test('a plugin learns what it was granted, and that a name is none', async () => {
  const ask = async (name: string): Promise<number> =>
    (await calling('check_capability', [dataAt, name.length], {}, name)).instance.process(TelemetryProcessor)
  assert.equal(await ask('read_telemetry'), 1)
  assert.equal(await ask('network'), -3)
  assert.equal(await ask('process_dsp'), -3)
  assert.equal(await ask('toString'), -2)
})

test('a plugin without fuel that calls on is not heard, up to the next look at its fuel', async () => {
  const send = '(call $send (i32.const 64) (i32.const 36) (i32.const 64) (i32.const 5))'
  const spec = specOf()
  const { instance, mail } = await start(
    wasmOf(
      completed(`(import "env" "send_message" (func $send (param i32 i32 i32 i32) (result i32)))
        (data (i32.const 64) "${spec.id}")
        (func (export "process") (param i32 i32 i32 i32) (result i32)
          (i32.add (i32.mul (i32.const 100) ${send}) (i32.add (i32.mul (i32.const 10) ${send}) ${send})))`),
    ),
    spec,
  )
  const process = (units: number): number => {
    instance.prepare(frameOf({}), darkFrame(ledCount), undefined, units)
    return instance.process(TelemetryProcessor)
  }
  assert.equal(process(5000), -111) // less than one call costs
  assert.equal(mail.peek(spec.id), undefined)
  assert.equal(process(20_000), -11)
  assert.equal(process(100_000), 0)
  let arrived = 0
  for (; mail.peek(spec.id) !== undefined; arrived++) mail.take(spec.id)
  assert.equal(arrived, 1 + 3)
})

test('what was not granted answers -3', async () => {
  const capabilities = [] as const
  for (const [name, parameters] of [
    ['get_telemetry', [1024, 32]],
    ['set_custom_data', [dataAt, 1, dataAt, 1]],
    ['send_message', [dataAt, 1, dataAt, 1]],
    ['receive_message', [1024, 32]],
  ] as const) {
    const { instance } = await calling(name, parameters, { capabilities }, '1')
    assert.equal(instance.process(TelemetryProcessor), -3, name)
  }
})

test('custom data that is no JSON is refused', async () => {
  const { instance } = await calling('set_custom_data', [dataAt, 1, dataAt, 3], {}, 'a{}')
  assert.equal(instance.process(TelemetryProcessor), -2)
  assert.equal(instance.customData.size, 0)
})

test('a message arrives whole, or not yet when the buffer is too small for it', async () => {
  const { instance, mail, spec } = await calling('receive_message', [1024, 4])
  assert.equal(instance.process(TelemetryProcessor), 0)
  mail.send(spec.id, Buffer.from('hello'))
  assert.equal(instance.process(TelemetryProcessor), -4)
  mail.take(spec.id)
  mail.send(spec.id, Buffer.from('hi'))
  assert.equal(instance.process(TelemetryProcessor), 2)
  assert.equal(instance.process(TelemetryProcessor), 0)
})

test('a line of a plugin reaches the log without what would repaint the terminal', async () => {
  const data = '\u001b[2Jhello'
  const log = { module: 'env', name: 'log_warn', parameters: ['i32', 'i32'], results: [] } as const
  const process = [...op.i32(dataAt), ...op.i32(data.length), ...op.call(0), ...op.i32(0)]
  const { instance, lines } = await start(guestModule({ imports: [log], process, data }))
  instance.process(TelemetryProcessor)
  assert.deepEqual(lines, ['warn hello'])
})
