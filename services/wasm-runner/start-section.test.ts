import assert from 'node:assert/strict'
import { test } from 'node:test'
import { freeStart } from './start-section.ts'
import { wasmOf } from './testing/wasm-text.ts'

const counting = (exports: string): Uint8Array<ArrayBuffer> =>
  wasmOf(`(module (global $n (export "n") (mut i32) (i32.const 0)) (start $start) ${exports}
    (func $other (param i32)) (func $start (global.set $n (i32.add (global.get $n) (i32.const 1)))))`)

function run(wasm: Uint8Array<ArrayBuffer>) {
  const { bytes, startExport } = freeStart(wasm)
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), {})
  const count = (): unknown => (exports.n as { readonly value: unknown }).value
  return { startExport, exports, count }
}

test('the start function runs when it is called, and not before', () => {
  const { startExport, exports, count } = run(counting(''))
  assert.equal(startExport, 'openracing_start')
  assert.equal(count(), 0)
  ;(exports.openracing_start as () => void)()
  assert.equal(count(), 1)
})

test('an export that has the name already keeps it', () => {
  const { startExport, exports } = run(counting('(export "openracing_start" (func $other))'))
  assert.equal(startExport, 'openracing_start_')
  assert.equal((exports.openracing_start as () => void).length, 1)
})

test('a module without a start function stays as it is', () => {
  const wasm = wasmOf('(module (func (export "f")))')
  assert.deepEqual(freeStart(wasm), { bytes: wasm, startExport: undefined })
})
