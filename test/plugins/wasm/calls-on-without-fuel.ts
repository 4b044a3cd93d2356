// Calls the host on and on without a loop, and goes on when there is no fuel left: until the next look at it.

import { wasmOf } from '../../../services/wasm-runner/testing/wasm-text.ts'
import { completed } from '../../wasm-plugin.ts'

/** More than what the smallest budget pays for on the fastest machine. */
const calls = 4000
const ask = '(call $check (i32.const 64) (i32.const 14))'

export const build = (): Uint8Array<ArrayBuffer> =>
  wasmOf(
    completed(`(import "env" "check_capability" (func $check (param i32 i32) (result i32)))
      (data (i32.const 64) "read_telemetry")
      (func (export "process") (param i32 i32 i32 i32) (result i32)
        ${`(drop ${ask})`.repeat(calls)}
        (select (i32.const 0) (i32.const -7) (i32.eq ${ask} (i32.const -1))))`),
  )
