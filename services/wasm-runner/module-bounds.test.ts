import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RigError } from '../../rpc/failure.ts'
import { checkInstantiation } from './module-bounds.ts'
import { wasmOf } from './testing/wasm-text.ts'

const times = (count: number, one: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => one(index)).join('\n')

const check = (fields: string): void => checkInstantiation(wasmOf(`(module ${fields})`))

const fn = '(func $f)'
const entries = (count: number): string => ' $f'.repeat(count)

for (const [what, most, fields] of [
  ['imports', 1000, (count: number) => times(count, (index) => `(import "env" "f${index}" (func))`)],
  ['exports', 1000, (count: number) => fn + times(count, (index) => `(export "f${index}" (func $f))`)],
  ['globals', 10_000, (count: number) => times(count, () => '(global i32 (i32.const 0))')],
  ['tags', 1000, (count: number) => times(count, () => '(tag)')],
  [
    'segments of table elements',
    1000,
    (count: number) => `${fn} (table 1 funcref) ${times(count, () => '(elem (i32.const 0) func $f)')}`,
  ],
  [
    'table elements that are set at the start',
    20_000,
    (count: number) => `${fn} (table 10000 funcref)
      (elem (i32.const 0) func${entries(10_000)}) (elem (i32.const 0) func${entries(count - 10_000)})`,
  ],
] as const) {
  test(`a module may have ${most} ${what}, and no more`, () => {
    check(fields(most))
    assert.throws(
      () => check(fields(most + 1)),
      (cause) =>
        cause instanceof RigError &&
        cause.code === 'PLUGIN_INVALID' &&
        cause.detail === `the module has ${most + 1} ${what}, and may have ${most}; build it of less`,
    )
  })
}

test('every form of a segment of elements is read: those that wait, and those of expressions and of tables', () => {
  const many = `(ref.func $f) `.repeat(20_000)
  check(`${fn} (table $t 1 funcref) (elem func${entries(30_000)}) (elem declare func${entries(30_000)})
    (elem funcref ${many}(ref.null func)) (elem $e (table $t) (i32.const 0) funcref (ref.func $f))`)
  assert.throws(() =>
    check(`${fn} (table $t 9 funcref) (elem (table $t) (i32.const 0) funcref ${many}(ref.null func))`),
  )
})
