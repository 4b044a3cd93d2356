import assert from 'node:assert/strict'
import { test } from 'node:test'
import { telemetryFrame, telemetryFrameBytes } from '../../gen/layout.ts'
import { noGuard } from './guard.ts'
import { GuestFault } from './guest-fault.ts'
import { instantiate, operationCode } from './instance.ts'
import { darkFrame } from './led-frame.ts'
import { createPostOffice } from './mailbox.ts'
import type { PluginSpec } from './plugin-spec.ts'
import { codeOf } from './testing/code.ts'
import { offline } from './testing/offline.ts'
import { specOf } from './testing/specs.ts'
import { wasmOf } from './testing/wasm-text.ts'

const process = (body: string): string =>
  `(func (export "process") (param $in f32) (param $dt f32) (result f32) ${body})`

async function start(fields: string, part: Partial<PluginSpec> = {}) {
  const lines: string[] = []
  let nowMs = 1000
  const bytes = wasmOf(`(module ${fields} (memory (export "memory") 1))`)
  const instance = instantiate(await codeOf(bytes, part), specOf(part), {
    unitsPerUs: 7000,
    guard: noGuard,
    mail: createPostOffice(),
    log: (level, line) => lines.push(`${level} ${line}`),
    now: () => nowMs,
    ...offline,
  })
  return {
    instance,
    lines,
    tick(scalar: number | undefined, atMs = nowMs): number {
      nowMs = atMs
      const frame = new Uint8Array(telemetryFrameBytes)
      const view = new DataView(frame.buffer)
      view.setFloat32(telemetryFrame.ffb_scalar.offset, 0.5, true)
      view.setFloat32(telemetryFrame.steering_angle.offset, Math.PI / 2, true)
      view.setBigUint64(telemetryFrame.timestamp_us.offset, 77n, true)
      instance.prepare(frame, darkFrame(15), scalar, 70_000_000)
      assert.equal(instance.process(operationCode.TelemetryProcessor), 1)
      return instance.scalar()
    },
  }
}

test('process has the force that stands and gives the new one, clamped; what is no number is 0', async () => {
  const { tick } = await start(process('(f32.mul (local.get $in) (f32.const 2))'))
  assert.deepEqual(
    [0.25, undefined, 0.75, -3].map((scalar) => tick(scalar)),
    [0.5, 1, 1, -1],
  )
  for (const value of ['nan', 'inf', '-inf'])
    assert.equal((await start(process(`(f32.const ${value})`))).tick(0.5), 0, value)
})

test('process has the seconds since its last call, and before the first one those of its rate', async () => {
  const { tick } = await start(process('(local.get $dt)'), { rateHz: 200 })
  assert.equal(tick(0), Math.fround(0.005))
  assert.equal(tick(0, 1010), Math.fround(0.01))
  assert.equal(tick(0, 1500), Math.fround(0.49))
})

test('a plugin sees the wheel through get_telemetry, what it is granted, and the time since it began', async () => {
  const fields = `
    (import "env" "get_telemetry" (func $telemetry (param i32 i32) (result i32)))
    (import "env" "check_capability" (func $granted (param i32 i32) (result i32)))
    (import "env" "get_timestamp_us" (func $time (result i64)))
    (import "env" "log_info" (func $log (param i32 i32)))
    (data (i32.const 64) "modify_telemetry")
    (func (export "init") (result i32) (call $log (i32.const 64) (i32.const 6)) (i32.const 0))
    ${process(`
      (if (i32.ne (call $telemetry (i32.const 0) (i32.const 32)) (i32.const 0)) (then (return (f32.const -1))))
      (if (i64.ne (i64.load (i32.const 0)) (i64.const 77)) (then (return (f32.const -0.9))))
      (if (f32.ne (f32.load (i32.const 8)) (f32.const 90)) (then (return (f32.const -0.8))))
      (if (i32.ne (call $telemetry (i32.const 0) (i32.const 31)) (i32.const -4)) (then (return (f32.const -0.7))))
      (if (i32.ne (call $granted (i32.const 64) (i32.const 16)) (i32.const -3)) (then (return (f32.const -0.6))))
      (if (i64.ne (call $time) (i64.const 20000)) (then (return (f32.const -0.5))))
      (f32.const 0.125)`)}`
  const { tick, lines } = await start(fields, { capabilities: ['ReadTelemetry'] })
  assert.equal(tick(0, 1020), 0.125)
  assert.deepEqual(lines, ['info modify'])
})

test('init and shutdown are called where there are any, under the manifest’s names, and an init that fails is a fault', async () => {
  const named = { process: 'step', initialize: 'begin', shutdown: 'end' }
  const log = '(import "env" "log_info" (func $log (param i32 i32))) (data (i32.const 64) "begun ended")'
  const fields = `${log}
    (func (export "begin") (result i32) (call $log (i32.const 64) (i32.const 5)) (i32.const 0))
    (func (export "end") (call $log (i32.const 70) (i32.const 5)))
    ${process('(local.get $in)').replace('"process"', '"step"')}`
  const { instance, tick, lines } = await start(fields, { entryPoints: named })
  assert.equal(tick(0.5), 0.5)
  instance.shutdown()
  assert.deepEqual(lines, ['info begun', 'info ended'])
  const fails = `(func (export "init") (result i32) (i32.const -1)) ${process('(local.get $in)')}`
  await assert.rejects(
    start(fails),
    (cause) => cause instanceof GuestFault && cause.message === 'init returned -1, not 0',
  )
})

test('a plugin that loops or traps is a fault', async () => {
  const { tick } = await start(process('(loop $l (br $l)) unreachable'))
  assert.throws(
    () => tick(0),
    (cause) => cause instanceof GuestFault && cause.violation.kind === 'budget',
  )
  const trapping = await start(process('unreachable'))
  assert.throws(() => trapping.tick(0), /process trapped: unreachable/)
})
