import { wasmOf } from '../../../services/wasm-runner/testing/wasm-text.ts'
import { completed } from '../../wasm-plugin.ts'

const segment = `(elem (i32.const 0) func ${'$nothing '.repeat(10_000)})`

/** Fills its table again and again when it is instantiated, where nothing counts and nothing interrupts. */
export const build = (): Uint8Array<ArrayBuffer> =>
  wasmOf(completed(`(func $nothing) (table 10000 funcref) ${segment.repeat(3)}`))
