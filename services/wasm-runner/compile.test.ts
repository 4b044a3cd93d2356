import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RigError } from '../../rpc/failure.ts'
import { moduleBytesMax } from './compile.ts'
import { codeOf } from './testing/code.ts'
import { guestModule } from './testing/guest-module.ts'
import { largeModule, slowFunctions } from './testing/large-module.ts'
import { wasmOf } from './testing/wasm-text.ts'

const refusal = (bytes: Uint8Array<ArrayBuffer>, memoryBytes = 16 << 20): Promise<RigError> =>
  codeOf(bytes, { memoryBytes }).then(
    () => assert.fail('it was compiled'),
    (cause) => (cause instanceof RigError && cause.code === 'PLUGIN_INVALID' ? cause : assert.fail(String(cause))),
  )

test('a file that is not WebAssembly is refused in the words of V8', async () => {
  const { message } = await refusal(new Uint8Array(Buffer.from('#!/bin/sh\necho hello')))
  assert.match(
    message,
    /PLUGIN_INVALID: the module is not WebAssembly .*expected magic word 00 61 73 6d, found 23 21 2f 62/,
  )
})

test('an empty file and a module that was cut off are refused', async () => {
  assert.match((await refusal(new Uint8Array(0))).message, /BufferSource argument is empty/)
  assert.match((await refusal(guestModule().slice(0, -3))).message, /@\+\d+/)
})

test('a module whose code does not check is refused before any of it runs', async () => {
  assert.match((await refusal(guestModule({ process: [] }))).message, /expected 1 elements on the stack/)
})

test('a module above 64 MiB is refused without a look inside', async () => {
  assert.match((await refusal(new Uint8Array(moduleBytesMax + 1))).message, /has 67108865 bytes, more than 67108864/)
})

test('a module that begins with more memory than its limit is refused, and one with as much is not', async () => {
  const bytes = guestModule({ memoryPages: 3 })
  assert.equal((await codeOf(bytes, { memoryBytes: 3 * 65_536 })).abi, 'openracing-sdk-1')
  const { message } = await refusal(bytes, 3 * 65_536 - 1)
  assert.match(message, /asks for at least 3 pages of memory, and may have 2; .*raise the limit in its manifest/)
})

test('a module that begins with a larger table than any compiler makes is refused', async () => {
  const { message } = await refusal(wasmOf('(module (memory (export "memory") 1) (table 10001 funcref))'))
  assert.match(message, /asks for at least 10001 table elements, and may have 10000/)
})

test('a module with a function that V8 needs seconds for is refused before V8 has it', async () => {
  const { message } = await refusal(largeModule({ functions: slowFunctions(1, 13_000) }))
  assert.match(
    message,
    /has 40000 locals in 520\d\d bytes of code, whose product is more than 2000000000; build it of small/,
  )
  await codeOf(largeModule({ functions: slowFunctions(1, 1000) }))
})
