import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RigError } from '../../rpc/failure.ts'
import { type CompilerBounds, startCompiler } from './compiler.ts'
import { guestModule } from './testing/guest-module.ts'
import { largeModule, slowFunctions } from './testing/large-module.ts'
import { specOf } from './testing/specs.ts'

const rig = (bounds?: CompilerBounds) => {
  const compiler = startCompiler(bounds)
  return { compiler, [Symbol.asyncDispose]: () => compiler.close() }
}

const isRefused = (code: string, sentence: RegExp) => (cause: unknown) =>
  cause instanceof RigError && cause.code === code && sentence.test(cause.message)

const [one, another] = ['1', '2'].map((digit) => digit.repeat(64)) as [string, string]

test('a module is compiled on another thread and runs on this one', async () => {
  await using it = rig()
  const { abi, module, fuelExport } = await it.compiler.compile(guestModule(), specOf())
  assert.equal(abi, 'openracing-sdk-1')
  const { exports } = new WebAssembly.Instance(module, {})
  assert.equal(typeof exports.process, 'function')
  assert.ok(fuelExport in exports)
})

test('what is refused there is refused here, and the next module is compiled', async () => {
  await using it = rig()
  await assert.rejects(
    it.compiler.compile(guestModule({ without: ['process'] }), specOf()),
    isRefused('PLUGIN_INVALID', /matches no ABI/),
  )
  await it.compiler.compile(guestModule(), specOf())
})

test('the same bytes under the same limits are compiled once, and under other limits again', async () => {
  await using it = rig()
  const compile = (sha256: string, memoryBytes = 16 << 20) =>
    it.compiler.compile(guestModule(), specOf({ sha256, memoryBytes }))
  const [first, second] = await Promise.all([compile(one), compile(one)])
  assert.equal(first, second)
  assert.notEqual(await compile(another), first)
  assert.notEqual(await compile(one, 1 << 20), first)
  const renamed = { process: 'initialize', initialize: 'initialize', shutdown: 'shutdown' }
  await assert.rejects(it.compiler.compile(guestModule(), specOf({ sha256: one, entryPoints: renamed })), RigError)
})

test('a module that V8 compiles for a minute is given up at the deadline, and the next one is compiled', async () => {
  await using it = rig({ deadlineMs: 500 })
  const bomb = largeModule({ functions: slowFunctions(120, 12_000) })
  const sentence = /was not compiled within 500 ms; build it smaller, and of smaller functions/
  await assert.rejects(it.compiler.compile(bomb, specOf()), isRefused('PLUGIN_INVALID', sentence))
  // V8 is done with the functions that it was at in a second or two, and has given up the others.
  for (;;) {
    const code = await it.compiler.compile(guestModule(), specOf({ sha256: one })).catch(() => undefined)
    if (code !== undefined) break
  }
})

test('a module that takes more memory than there is for the compiler ends its thread, and nothing else', async () => {
  await using it = rig({ heapMiB: 24, deadlineMs: 60_000 })
  const bytes = largeModule({ exports: 900_000 }) // whose names are all remembered
  await assert.rejects(
    it.compiler.compile(bytes, specOf()),
    isRefused('PLUGIN_INVALID', /memory limit.*build it smaller/),
  )
  await it.compiler.compile(guestModule(), specOf({ sha256: one }))
})

test('a compiler that is closed compiles nothing more, and closing repeats safely', async () => {
  await using it = rig()
  const compiling = it.compiler.compile(largeModule({ functions: slowFunctions(120, 12_000) }), specOf())
  const refused = assert.rejects(compiling, isRefused('SERVICE_UNAVAILABLE', /is closing/))
  await Promise.all([it.compiler.close(), it.compiler.close()])
  await refused
  await assert.rejects(it.compiler.compile(guestModule(), specOf()), isRefused('SERVICE_UNAVAILABLE', /is closing/))
})
