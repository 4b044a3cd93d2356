// Every host function with pointers and lengths outside the memory of 64 KiB. Fails unless each is told so.

import { wasmOf } from '../../../services/wasm-runner/testing/wasm-text.ts'
import { completed } from '../../wasm-plugin.ts'

const inside = [64, 8] as const
const outside = [
  [-1, 4],
  [65_530, 14],
  [64, -1],
  [64, -2_147_483_648],
  [2_147_483_647, 2_147_483_647],
  [65_537, 0],
] as const

const number = (value: number): string => `(i32.const ${value})`
const call = (name: string, parameters: readonly number[]): string =>
  `(call $${name} ${parameters.map(number).join(' ')})`
/** Its answer has to be -2. */
const refused = (name: string, parameters: readonly number[]): string =>
  `(if (i32.ne ${call(name, parameters)} (i32.const -2)) (then (return (i32.const -7))))`

const logs = ['log_debug', 'log_info', 'log_warn', 'log_error']
const blocks = ['check_capability', 'get_telemetry', 'receive_message']
const pairs = ['set_custom_data', 'send_message']

const declared = (name: string, parameters: number, result: string): string =>
  `(import "env" "${name}" (func $${name} (param ${Array(parameters).fill('i32').join(' ')}) ${result}))`
const imports = [
  ...logs.map((name) => declared(name, 2, '')),
  declared('plugin_log', 3, ''),
  ...blocks.map((name) => declared(name, 2, '(result i32)')),
  ...pairs.map((name) => declared(name, 4, '(result i32)')),
]
const calls = outside.flatMap((where) => [
  ...logs.map((name) => call(name, where)),
  ...[-1, 0, 5, 2_147_483_647].map((level) => call('plugin_log', [level, ...where])),
  ...blocks.map((name) => refused(name, where)),
  ...pairs.flatMap((name) => [refused(name, [...where, ...inside]), refused(name, [...inside, ...where])]),
])

export const build = (): Uint8Array<ArrayBuffer> =>
  wasmOf(
    completed(`${imports.join('\n')}
      (func (export "process") (param i32 i32 i32 i32) (result i32) ${calls.join('\n')} (i32.const 0))`),
  )
