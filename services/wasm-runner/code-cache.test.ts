import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCodeCache } from './code-cache.ts'
import type { PluginCode } from './compile.ts'
import { codeOf } from './testing/code.ts'
import { guestModule } from './testing/guest-module.ts'

const code: PluginCode = await codeOf(guestModule())
const MiB = 1 << 20

test('code is found by its key, until 256 others were asked for since', () => {
  const cache = createCodeCache()
  cache.put('0', code, 1)
  for (let key = 1; key <= 255; key++) cache.put(`${key}`, code, 1)
  assert.equal(cache.get('0'), code) // it was asked for: 1 is the oldest now
  cache.put('256', code, 1)
  assert.equal(cache.get('1'), undefined)
  assert.equal(cache.get('0'), code)
})

test('code of 64 MiB of modules is kept, and the same key counts once', () => {
  const cache = createCodeCache()
  cache.put('a', code, 30 * MiB)
  cache.put('a', code, 30 * MiB)
  cache.put('b', code, 30 * MiB)
  assert.equal(cache.get('a'), code)
  cache.put('c', code, 5 * MiB)
  assert.equal(cache.get('b'), undefined)
  assert.deepEqual([cache.get('a'), cache.get('c')], [code, code])
})
