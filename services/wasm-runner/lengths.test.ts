import assert from 'node:assert/strict'
import { test } from 'node:test'
import { full, ranOut, startMetered } from './testing/metered-module.ts'
import { outcomeOf } from './testing/module-run.ts'
import { wasmOf } from './testing/wasm-text.ts'

/** What the instructions work on: of each kind one with addresses of 32 bits, and one with addresses of 64. */
const surroundings = `
  (memory $m 1 2) (memory $M i64 1 2) (memory $other 1 1) (memory $Other i64 1 1)
  (table $t 50 60 funcref) (table $T i64 10 20 funcref) (table $elsewhere 10 10 funcref)
  (data $d "0123456789") (elem $e funcref (ref.null func) (ref.null func) (ref.null func))
  (type $bytes (array (mut i8))) (type $words (array (mut i64))) (type $references (array (mut funcref)))
  (global $a (ref $bytes) (array.new_default $bytes (i32.const 100)))
  (global $b (ref $bytes) (array.new_default $bytes (i32.const 100)))
  (global $r (ref $references) (array.new_default $references (i32.const 100)))`

const limits = { maxMemoryPages: 6, maxTableElements: 100 }

/** A function `f` with the length as its parameter. */
const moduleOf = (width: 'i32' | 'i64', body: string, result = ''): Uint8Array<ArrayBuffer> =>
  wasmOf(`(module ${surroundings} (func (export "f") (param $n ${width}) ${result} ${body}))`)

const [zero, n] = ['(i32.const 0)', '(local.get $n)']
const wideZero = '(i64.const 0)'
const nothing = '(ref.null func)'

/** One with addresses of 32 bits: instruction, body, a length, and what a run with that length costs. */
const narrow: readonly (readonly [string, string, number, bigint])[] = [
  ['memory.copy', `(memory.copy $m $m (i32.const 5) ${zero} ${n})`, 1000, 1004n],
  ['memory.copy between two memories', `(memory.copy $m $other ${zero} ${zero} ${n})`, 65_536, 65_540n],
  ['memory.fill', `(memory.fill $m ${zero} (i32.const 1) ${n})`, 1000, 1004n],
  ['memory.init', `(memory.init $m $d ${zero} ${zero} ${n})`, 10, 14n],
  ['memory.init of a 64-bit memory', `(memory.init $M $d ${wideZero} ${zero} ${n})`, 10, 14n],
  ['memory.grow', `(drop (memory.grow $m ${n}))`, 1, 1404n], // 1400 whatever it grows by
  ['table.copy', `(table.copy $t $t (i32.const 1) ${zero} ${n})`, 40, 44n],
  ['table.copy between two tables', `(table.copy $t $elsewhere ${zero} ${zero} ${n})`, 9, 13n],
  ['table.copy from a 32-bit table to a 64-bit one', `(table.copy $T $t ${wideZero} ${zero} ${n})`, 7, 11n],
  ['table.copy from a 64-bit table to a 32-bit one', `(table.copy $t $T ${zero} ${wideZero} ${n})`, 7, 11n],
  ['table.fill', `(table.fill $t ${zero} ${nothing} ${n})`, 50, 54n],
  ['table.init', `(table.init $t $e ${zero} ${zero} ${n})`, 3, 7n],
  ['table.init of a 64-bit table', `(table.init $T $e ${wideZero} ${zero} ${n})`, 3, 7n],
  ['table.grow', `(drop (table.grow $t ${nothing} ${n}))`, 10, 14n],
  ['array.new', `(drop (array.new $words (i64.const 7) ${n}))`, 300, 304n],
  ['array.new_default', `(drop (array.new_default $words ${n}))`, 300, 303n],
  ['array.new_data', `(drop (array.new_data $bytes $d ${zero} ${n}))`, 10, 14n],
  ['array.new_elem', `(drop (array.new_elem $references $e ${zero} ${n}))`, 3, 7n],
  ['array.copy', `(array.copy $bytes $bytes (global.get $a) ${zero} (global.get $b) ${zero} ${n})`, 90, 96n],
  ['array.fill', `(array.fill $bytes (global.get $a) ${zero} (i32.const 1) ${n})`, 90, 95n],
  ['array.init_data', `(array.init_data $bytes $d (global.get $a) ${zero} ${zero} ${n})`, 10, 15n],
  ['array.init_elem', `(array.init_elem $references $e (global.get $r) ${zero} ${zero} ${n})`, 3, 8n],
]

/** The same where addresses, and with them lengths, are of 64 bits. */
const wide: typeof narrow = [
  ['memory.copy', `(memory.copy $M $M (i64.const 5) ${wideZero} ${n})`, 1000, 1004n],
  ['memory.copy between two memories', `(memory.copy $M $Other ${wideZero} ${wideZero} ${n})`, 65_536, 65_540n],
  ['memory.fill', `(memory.fill $M ${wideZero} (i32.const 1) ${n})`, 1000, 1004n],
  ['memory.grow', `(drop (memory.grow $M ${n}))`, 1, 1404n],
  ['table.copy', `(table.copy $T $T ${wideZero} ${wideZero} ${n})`, 10, 14n],
  ['table.fill', `(table.fill $T ${wideZero} ${nothing} ${n})`, 10, 14n],
  ['table.grow', `(drop (table.grow $T ${nothing} ${n}))`, 10, 14n],
]

for (const [width, rows] of [
  ['i32', narrow],
  ['i64', wide],
] as const) {
  const lengthOf = (length: number): unknown => (width === 'i64' ? BigInt(length) : length)
  for (const [what, body, length, cost] of rows) {
    test(`${what} costs one unit, and one for each of its ${width} length`, () => {
      const { run } = startMetered(moduleOf(width, body), limits)
      assert.deepEqual(run('f', [lengthOf(0)]), { outcome: undefined, used: cost - BigInt(length) })
      // Before it, that nothing is touched that there is no fuel for.
      assert.deepEqual(run('f', [lengthOf(length)], BigInt(length - 1)).outcome, ranOut)
      assert.deepEqual(run('f', [lengthOf(length)], cost), { outcome: undefined, used: cost })
    })
  }
}

test('memory.copy between memories of both kinds is charged by its length, which is of the narrow one', () => {
  // The assembler does not know it: of two 32-bit memories, the first becomes a 64-bit one, and with it an address.
  const [memories, address] = ['050502000100', '410041002000fc0a0001']
  const hex = Buffer.from(
    wasmOf(`(module (memory 1) (memory 1)
      (func (export "f") (param i32) (memory.copy 0 1 (i32.const 0) (i32.const 0) (local.get 0))))`),
  ).toString('hex')
  assert.ok(hex.includes(memories) && hex.includes(address))
  const changed = hex.replace(memories, '050502040100').replace(address, address.replace('41', '42'))
  const { run } = startMetered(new Uint8Array(Buffer.from(changed, 'hex')))
  assert.deepEqual(run('f', [0]), { outcome: undefined, used: 4n })
  assert.deepEqual(run('f', [1000]), { outcome: undefined, used: 1004n })
})

test('array.new_fixed costs one unit, and one for each of the values that it takes from the stack', () => {
  for (const count of [0, 1, 3, 200]) {
    const values = '(i64.const 5)'.repeat(count)
    const { run } = startMetered(moduleOf('i32', `(drop (array.new_fixed $words ${count} ${values}))`), limits)
    assert.deepEqual(run('f', [0]), { outcome: undefined, used: BigInt(count + 1 + count + 1) })
  }
})

/** What no memory or table has, and what a signed number of 64 bits makes of some of them. */
const hostile = [2n ** 32n, 2n ** 63n - 1n, -(2n ** 63n), -1n]
const i64 = (value: bigint): bigint => BigInt.asIntN(64, value)

const touching = wide.filter(([what]) => !what.endsWith('.grow'))
for (const [what, body] of touching) {
  test(`no 64-bit length makes ${what} give fuel: the run ends, as it would or for want of it`, () => {
    const wasm = moduleOf('i64', body)
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(wasm), {})
    const { run } = startMetered(wasm, limits)
    for (const length of hostile.map(i64)) {
      const original = outcomeOf(exports, 'f', [length])
      assert.match(String(original), /^RuntimeError: (memory access|table index) (is )?out of bounds$/)
      // There is fuel for 2^32, and for none of the others: unsigned, they are more than any fuel.
      const { outcome, used } = run('f', [length])
      assert.equal(outcome, length === 2n ** 32n ? original : ranOut, `${length}`)
      assert.ok(used >= 0n, `${length} used ${used}`)
      assert.equal(run('f', [length], 1000n).outcome, ranOut, `${length}`)
    }
  })
}

test('growing by what nothing can grow by is answered with -1, and costs no more and no less than growing by nothing', () => {
  for (const [what, grow, cost] of [
    ['memory', `(memory.grow $M ${n})`, 1402n],
    ['table', `(table.grow $T ${nothing} ${n})`, 3n],
  ] as const) {
    const { run } = startMetered(moduleOf('i64', grow, '(result i64)'), limits)
    for (const length of hostile.map(i64)) {
      assert.deepEqual(run('f', [length], full), { outcome: -1n, used: cost }, `${what} by ${length}`)
      assert.deepEqual(run('f', [length], cost), { outcome: -1n, used: cost }, `${what} by ${length}`)
    }
  }
})
