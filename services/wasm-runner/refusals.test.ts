import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noGuard } from './guard.ts'
import { instantiate, operationCode } from './instance.ts'
import { darkFrame } from './led-frame.ts'
import { createPostOffice } from './mailbox.ts'
import { createRefusals } from './refusals.ts'
import { codeOf } from './testing/code.ts'
import { offline } from './testing/offline.ts'
import { specOf } from './testing/specs.ts'
import { wasmOf } from './testing/wasm-text.ts'
import type { Violation } from './violation.ts'

test('a loop of calls that were not granted is charged once a second', () => {
  let nowMs = 5
  const charged: Violation[] = []
  const refuse = createRefusals(
    () => nowMs,
    (violation) => void charged.push(violation),
  )
  for (let call = 0; call < 1000; call++) refuse(`call ${call}`)
  nowMs = 1004
  refuse('too soon')
  nowMs = 1005
  refuse('again')
  assert.deepEqual(charged, [
    { kind: 'capability', detail: 'call 0' },
    { kind: 'capability', detail: 'again' },
  ])
})

const calls: Readonly<Record<string, readonly [signature: string, call: string]>> = {
  get_telemetry: ['(param i32 i32) (result i32)', '(i32.const 0) (i32.const 32)'],
  set_custom_data: ['(param i32 i32 i32 i32) (result i32)', '(i32.const 0) (i32.const 1) (i32.const 0) (i32.const 1)'],
  send_message: ['(param i32 i32 i32 i32) (result i32)', '(i32.const 0) (i32.const 1) (i32.const 0) (i32.const 1)'],
  receive_message: ['(param i32 i32) (result i32)', '(i32.const 0) (i32.const 32)'],
  http_request: ['(param i32 i32) (result i32)', '(i32.const 0) (i32.const 2)'],
  udp_send: ['(param i32 i32 i32 i32) (result i32)', '(i32.const 0) (i32.const 1) (i32.const 0) (i32.const 1)'],
  check_capability: ['(param i32 i32) (result i32)', '(i32.const 64) (i32.const 7)'],
}

/** What the guest is answered, and charged with, that has one capability alone, of no use to it. */
async function charge(name: string): Promise<readonly [number, readonly Violation[]]> {
  const [signature, parameters] = calls[name]!
  // A plugin of openracing-sdk-1: every function is its to import.
  const bytes = wasmOf(`(module
    (import "env" "${name}" (func $call ${signature}))
    (memory (export "memory") 1) (data (i32.const 64) "network")
    (global $at (mut i32) (i32.const 1024))
    (func (export "openracing_abi") (result i32) (i32.const 1))
    (func (export "alloc") (param i32) (result i32)
      (global.set $at (i32.add (global.get $at) (i32.const 1024))) (global.get $at))
    (func (export "dealloc") (param i32 i32))
    (func (export "initialize") (param i32 i32) (result i32) (i32.const 0))
    (func (export "process") (param i32 i32 i32 i32) (result i32) (call $call ${parameters})))`)
  const part = { capabilities: ['ControlLeds'] as const }
  const charged: Violation[] = []
  const instance = instantiate(await codeOf(bytes, part), specOf(part), {
    ...{ unitsPerUs: 7000, mail: createPostOffice(), guard: noGuard, log() {}, now: () => 0, ...offline },
    charge: (violation) => void charged.push(violation),
  })
  instance.prepare(new Uint8Array(256), darkFrame(1), undefined, 1_000_000)
  return [instance.process(operationCode.TelemetryProcessor), charged]
}

for (const name of Object.keys(calls).filter((each) => each !== 'check_capability')) {
  test(`${name} without its capability is -3, and a violation that names it`, async () => {
    const [code, charged] = await charge(name)
    assert.equal(code, -3)
    assert.deepEqual(
      charged.map(({ kind }) => kind),
      ['capability'],
    )
    assert.match(charged[0]?.detail ?? '', new RegExp(`^${name} needs [A-Z]\\w+.*, which it was not granted$`))
  })
}

test('to ask whether something was granted is no violation', async () => {
  assert.deepEqual(await charge('check_capability'), [-3, []])
})
