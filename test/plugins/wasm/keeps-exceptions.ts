// Keeps more and more exceptions, each in the one after it: they and what they carry are in the engine's heap, and no
// structure or array is needed for that.

import { wasmOf } from '../../../services/wasm-runner/testing/wasm-text.ts'
import { completed } from '../../wasm-plugin.ts'

/** V8 takes 1000 parameters of a tag. One of these has 64 bytes in its heap. */
const carried = 900
/** As much as fills the heap in a second or so, at 100 ticks a second. */
const exceptionsOfTick = 140

export const build = (): Uint8Array<ArrayBuffer> =>
  wasmOf(
    completed(`(tag $kept (param exnref ${'v128 '.repeat(carried)}))
      (global $last (mut exnref) (ref.null exn))
      (func (export "process") (param i32 i32 i32 i32) (result i32)
        (local $more i32) (local $large v128)
        (loop $next
          (global.set $last
            (block $caught (result exnref)
              (try_table (catch_all_ref $caught)
                (throw $kept (global.get $last) ${'(local.get $large)'.repeat(carried)}))
              (unreachable)))
          (local.set $more (i32.add (local.get $more) (i32.const 1)))
          (br_if $next (i32.lt_s (local.get $more) (i32.const ${exceptionsOfTick}))))
        (i32.const 0))`),
  )
