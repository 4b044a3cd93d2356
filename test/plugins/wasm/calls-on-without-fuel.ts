// Spends all of its fuel in calls without a loop, where nothing looks at it in between, and goes on to have things done.

import { wasmOf } from '../../../services/wasm-runner/testing/wasm-text.ts'
import { completed } from '../../wasm-plugin.ts'

/** Of the dearest call that there is: more than what the smallest budget pays for on the fastest machine. */
const calls = 60
const [begins, acts] = ['has fuel', 'has none and is heard']
const say = (at: number, { length }: string): string => `(call $log (i32.const ${at}) (i32.const ${length}))`

export const build = (): Uint8Array<ArrayBuffer> =>
  wasmOf(
    completed(`(import "env" "log_info" (func $log (param i32 i32)))
      (import "env" "set_custom_data" (func $set (param i32 i32 i32 i32) (result i32)))
      (data (i32.const 64) "${begins}") (data (i32.const 128) "${acts}")
      (func (export "process") (param i32 i32 i32 i32) (result i32)
        ${say(64, begins)}
        ${'(drop (call $set (i32.const 64) (i32.const 1) (i32.const 2048) (i32.const 1024)))'.repeat(calls)}
        ${say(128, acts)}
        (loop $on (br $on)) (i32.const 0))`),
  )
