import assert from 'node:assert/strict'
import { test } from 'node:test'
import { threadCpuNanoseconds } from '../../shm/clock.ts'
import { wasmOf } from './testing/wasm-text.ts'
import { measureMachine, yardstickModule } from './yardstick.ts'

/** A division, a trip to memory, and each step needs the one before it: no compiler can make it shorter. */
const text = `(module
  (memory 1 1)
  (func (export "run") (param $iterations i32) (result i32)
    (local $x i32)
    (local.set $x (i32.const 1))
    (loop $again
      (local.set $x (i32.xor (local.get $x) (i32.shl (local.get $x) (i32.const 13))))
      (local.set $x (i32.xor (local.get $x) (i32.shr_u (local.get $x) (i32.const 17))))
      (local.set $x (i32.xor (local.get $x) (i32.div_u (i32.const -1) (i32.or (local.get $x) (i32.const 1)))))
      (i32.store (i32.and (local.get $x) (i32.const 0xfffc)) (local.get $x))
      (local.set $x (i32.add (i32.load (i32.and (local.get $x) (i32.const 0xfffc))) (i32.const 1)))
      (br_if $again (local.tee $iterations (i32.sub (local.get $iterations) (i32.const 1)))))
    (local.get $x)))`

test('the yardstick is what its text says', () => {
  assert.equal(Buffer.from(yardstickModule).toString('base64'), Buffer.from(wasmOf(text)).toString('base64'))
})

test('this machine has a measure, and about the same one twice', async (context) => {
  const measures = [await measureMachine(threadCpuNanoseconds), await measureMachine(threadCpuNanoseconds)]
  context.diagnostic(`${measures.map(Math.round).join(' and ')} instructions a µs`)
  const [least, most] = measures.toSorted((a, b) => a - b)
  // Whether V8 has optimised is a factor of five; a busy neighbour on the same core of the machine, less than two.
  assert.ok(most! / least! < 5, `${measures.join(' and ')}`)
})
