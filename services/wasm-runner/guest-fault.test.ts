import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compilePlugin } from './compile.ts'
import { Interruption, noGuard } from './guard.ts'
import { faultOf, GuestFault } from './guest-fault.ts'
import { instantiate } from './instance.ts'
import { createPostOffice } from './mailbox.ts'
import { guestModule, op } from './testing/guest-module.ts'
import { offline } from './testing/offline.ts'
import { specOf } from './testing/specs.ts'

const { RuntimeError } = WebAssembly

test('a trap of the guest is told as what it was, also where it has used more fuel than it had', () => {
  for (const left of [1n, -1n]) {
    assert.deepEqual(faultOf('process', new RuntimeError('divide by zero'), left, 7).violation, {
      kind: 'crash',
      detail: 'process trapped: divide by zero',
    })
  }
})

test('what ends as unreachable with less than no fuel ran out of it, and with some it did not', () => {
  const unreachable = new RuntimeError('unreachable')
  const detail = 'process ran out of fuel: it was given 7 instructions'
  assert.deepEqual(faultOf('process', unreachable, -1n, 7).violation, { kind: 'budget', detail })
  assert.equal(faultOf('process', unreachable, 0n, 7).violation.kind, 'crash')
})

test('an interruption says how long it ran and how long it may, whatever fuel it had', () => {
  for (const left of [1n, -1n]) {
    assert.deepEqual(faultOf('process', new Interruption(6012, 5000), left, 7).violation, {
      kind: 'budget',
      detail: 'process was interrupted: it ran for 6012 µs, and may run for 5000 µs',
    })
  }
})

test('a guest that divides by zero between two looks at its fuel is charged with that', async () => {
  const process = [...op.i32(1), ...op.i32(0), ...op.divide]
  const spec = specOf()
  const instance = instantiate(await compilePlugin(guestModule({ process }), spec), spec, {
    ...{ unitsPerUs: 7000, mail: createPostOffice(), guard: noGuard },
    ...{ log() {}, now: () => 0, ...offline },
  })
  instance.prepare(new Uint8Array(256), new Uint8Array(208), undefined, 1)
  assert.throws(
    () => instance.process(0),
    (cause) => cause instanceof GuestFault && cause.message === 'process trapped: divide by zero',
  )
  assert.ok(instance.fuelUsed() > 1)
})
