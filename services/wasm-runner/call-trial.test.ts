import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OnCallAbi } from './abi.ts'
import { type CallTrialNeeds, tryCalls } from './call-trial.ts'
import { compilePlugin } from './compile.ts'
import { standardCallFuel } from './on-call-spec.ts'
import { actionOf, inputOf } from './testing/call.ts'
import { actionModule, zenithModule } from './testing/call-guests.ts'

const entryPoints = { process: 'process', initialize: 'initialize', shutdown: 'shutdown' }

async function tried(bytes: Uint8Array<ArrayBuffer>, part: Partial<CallTrialNeeds>) {
  const code = await compilePlugin(bytes, { memoryBytes: 128 << 20, entryPoints })
  const spec = { id: 'a-plugin', network: [], stateful: false, deadlineMs: 5000 }
  return tryCalls({ code, abi: code.abi as OnCallAbi, fuel: standardCallFuel, spec, wish: undefined, ...part })
}

const process = { kind: 'process', request: inputOf({ input: Buffer.from('some input') }) } as const

test('a plugin is loaded, called and ended, and its lines say when', async () => {
  const logs = `(import "env" "host_log" (func $log (param i32 i32)))
    (data (i32.const 64) "loading") (data (i32.const 80) "ending")
    (func (export "init") (result i32) (call $log (i32.const 64) (i32.const 7)) (i32.const 0))
    (func (export "cleanup") (call $log (i32.const 80) (i32.const 6)))
    (func (export "process") (param i32 i32 i32 i32) (result i32)
      (call $log (local.get 0) (local.get 1)) (i32.store (local.get 3) (i32.const 0)) (i32.const 0))`
  const { log, call, described, lost } = await tried(zenithModule(logs), { wish: process })
  assert.deepEqual(
    log.map(({ during, line }) => [during, line]),
    [
      ['load', 'loading'],
      ['call', 'some input'],
      ['end', 'ending'],
    ],
  )
  assert.deepEqual([described?.name, call?.code, call?.output.length, lost], ['copier', 0, 0, undefined])
})

test('one that outlives its deadline is a timeout, and what it took nobody knows', async () => {
  const loops = `(func (export "execute") (param i32 i32) (result i32) (loop $l (br $l)) (i32.const 0))`
  const trial = await tried(actionModule(loops), {
    ...{ wish: { kind: 'action', request: actionOf() }, fuel: Number.MAX_SAFE_INTEGER },
    spec: { id: 'a-plugin', network: [], stateful: false, deadlineMs: 400 },
  })
  assert.deepEqual(trial.lost, { kind: 'timeout', detail: 'it did not return within 400 ms', during: 'call' })
  assert.deepEqual([trial.call?.code, trial.call?.cost, trial.memoryBytes], [undefined, undefined, undefined])
})

test('what it says of itself has no escapes, and memory that it took is counted', async () => {
  const grows = `(data (i32.const 16) "a\\1b[2Jb v1.0\\00") (func (export "plugin_info") (result i32) (i32.const 16))
    (func (export "init") (result i32) (drop (memory.grow (i32.const 2))) (i32.const 0))`
  const { described, memoryBytes } = await tried(zenithModule(grows), {})
  assert.deepEqual([described?.name, described?.version, memoryBytes], ['ab', '1.0', 3 * 65_536])
})

test('a wish that plugins of its ABI have no answer to is not made', async () => {
  const { call, described, lost } = await tried(actionModule(), { wish: process })
  assert.deepEqual([call, described?.name, lost], [undefined, 'keys', undefined])
})
