import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RigError } from '../../rpc/failure.ts'
import { createFunctionMeter } from './function-meter.ts'
import { meterModule, meterValidModule, startFuel } from './meter.ts'
import { fuzzInput, fuzzPool } from './testing/fuzz-pool.ts'
import { guestModule, op } from './testing/guest-module.ts'
import { checkMeter } from './testing/meter-check.ts'
import { full, limits, ranOut, startMetered } from './testing/metered-module.ts'
import { callAll, importsOf, overflowed } from './testing/module-run.ts'
import { createPlainMeter } from './testing/plain-meter.ts'
import { inventedModule, wasmOf } from './testing/wasm-text.ts'

const plenty = { maxMemoryPages: 65_536, maxTableElements: 10_000_000 }

function* unsigned(value: number): Generator<number> {
  for (let rest = value; ; rest >>>= 7) {
    yield rest < 128 ? rest : (rest & 0x7f) | 0x80
    if (rest < 128) return
  }
}

test('what is executed is charged, one unit an instruction, on every path', () => {
  const { run, instructions } = startMetered(
    wasmOf(`(module
      (func (export "choose") (param i32) (result i32)
        (if (result i32) (local.get 0) (then (i32.const 7)) (else (i32.add (i32.const 1) (i32.const 2)))))
      (func (export "count") (param i32) (result i32) (local i32)
        (loop $l
          (local.set 1 (i32.add (local.get 1) (i32.const 3)))
          (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get 1))
      (func $fib (export "fib") (param i32) (result i32)
        (if (result i32) (i32.lt_s (local.get 0) (i32.const 2))
          (then (local.get 0))
          (else (i32.add
            (call $fib (i32.sub (local.get 0) (i32.const 1)))
            (call $fib (i32.sub (local.get 0) (i32.const 2))))))))`),
  )
  assert.deepEqual(run('choose', [1]), { outcome: 7, used: 3n }) // local.get, if, i32.const
  assert.deepEqual(run('choose', [0]), { outcome: 3, used: 5n })
  // loop, 4 for the sum, 5 for the count, each time; local.get at the end
  for (const times of [1, 2, 1000])
    assert.deepEqual(run('count', [times]), { outcome: 3 * times, used: BigInt(10 * times + 1) })
  const fibCost = (n: number): bigint => (n < 2 ? 5n : 13n + fibCost(n - 1) + fibCost(n - 2))
  assert.deepEqual(run('fib', [15]), { outcome: 610, used: fibCost(15) })
  assert.equal(instructions, 7 + 11 + 13)
})

test('a run ends where its fuel does, and another one begins with what it is given', () => {
  const { run } = startMetered(
    wasmOf('(module (func $f (export "f") (loop $l (br $l))) (func $r (export "r") (call $r)))'),
  )
  assert.deepEqual(run('f', [], 1000n), { outcome: ranOut, used: 1002n }) // two in each round
  assert.equal(run('r', [], 1000n).outcome, ranOut)
  for (const fuel of [0n, 1n, 2n]) assert.equal(run('f', [], fuel).outcome, ranOut)
})

test('a function runs with exactly what it costs, and not with one unit less', () => {
  const { run } = startMetered(
    wasmOf(`(module (func (export "f") (param i32)
      (loop $l (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))`),
  )
  const { used } = run('f', [100])
  assert.equal(run('f', [100], used).outcome, undefined)
  assert.equal(run('f', [100], used - 1n).outcome, ranOut)
})

test('a start function is metered, too', () => {
  const endless = wasmOf('(module (start $f) (func $f (loop $l (br $l))))')
  assert.throws(() => startMetered(endless), /unreachable/)
  const { fuel } = startMetered(wasmOf('(module (start $f) (func $f nop nop))'))
  assert.equal(BigInt(startFuel) - fuel.value, 2n)
})

test('bulk operations cost what they touch, growing what it grows by, a memory more than that', () => {
  const { run } = startMetered(
    wasmOf(`(module (memory 1 3) (table 10 funcref) (data $d "0123456789") (elem $e funcref (ref.null func) (ref.null func))
      (func (export "fill") (param i32) (memory.fill (i32.const 0) (i32.const 1) (local.get 0)))
      (func (export "copy") (param i32) (memory.copy (i32.const 0) (i32.const 100) (local.get 0)))
      (func (export "init") (param i32) (memory.init $d (i32.const 0) (i32.const 0) (local.get 0)))
      (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
      (func (export "tgrow") (param i32) (result i32) (table.grow (ref.null func) (local.get 0)))
      (func (export "tfill") (param i32) (table.fill (i32.const 0) (ref.null func) (local.get 0)))
      (func (export "tinit") (param i32) (table.init $e (i32.const 0) (i32.const 0) (local.get 0))))`),
  )
  assert.deepEqual(run('fill', [1000]), { outcome: undefined, used: 1004n })
  assert.deepEqual(run('copy', [1000]), { outcome: undefined, used: 1004n })
  assert.deepEqual(run('init', [10]), { outcome: undefined, used: 14n })
  assert.deepEqual(run('tfill', [5]), { outcome: undefined, used: 9n })
  assert.deepEqual(run('tinit', [2]), { outcome: undefined, used: 6n })
  assert.equal(run('fill', [65_536], 65_539n).outcome, ranOut)
  assert.match(String(run('fill', [65_537]).outcome), /out of bounds/)
  assert.deepEqual(run('grow', [2]), { outcome: 1, used: 1404n })
  assert.deepEqual(run('tgrow', [90]), { outcome: 10, used: 93n })
  for (const much of [1, 4, 65_536, -1]) assert.equal(run('grow', [much]).outcome, -1)
  for (const much of [1, 101, -1]) assert.equal(run('tgrow', [much]).outcome, -1)
  assert.deepEqual(run('grow', [-1]).used, 1402n)
})

test('memories and tables end at exactly the limit, all of them together', () => {
  const { run } = startMetered(
    wasmOf(`(module (memory $a 1) (memory $b 1 2) (table $t 0 funcref) (table $u 40 funcref)
      (func (export "a") (param i32) (result i32) (memory.grow $a (local.get 0)))
      (func (export "b") (param i32) (result i32) (memory.grow $b (local.get 0)))
      (func (export "t") (param i32) (result i32) (table.grow $t (ref.null func) (local.get 0)))
      (func (export "u") (param i32) (result i32) (table.grow $u (ref.null func) (local.get 0))))`),
  )
  // b wants one page more, and a has the other one; the tables have 30 elements each beside those that they begin with.
  const after = (calls: readonly (readonly [string, number])[]): unknown[] =>
    calls.map(([name, by]) => run(name, [by]).outcome)
  assert.deepEqual(
    after([
      ['a', 2],
      ['a', 1],
      ['a', 1],
      ['b', 1],
      ['b', 1],
    ]),
    [-1, 1, -1, 1, -1],
  )
  assert.deepEqual(
    after([
      ['t', 31],
      ['t', 30],
      ['t', 1],
      ['u', 31],
      ['u', 30],
      ['u', 1],
    ]),
    [-1, 0, -1, -1, 40, -1],
  )
  const refused = (text: string, sentence: RegExp): void =>
    assert.throws(
      () => meterModule(wasmOf(text), limits),
      (cause) => cause instanceof RigError && cause.code === 'PLUGIN_INVALID' && sentence.test(cause.message),
    )
  refused('(module (memory 5))', /asks for at least 5 pages of memory, and may have 4; /)
  refused('(module (memory 3) (memory 2))', /asks for at least 5 pages/)
  refused('(module (table 101 funcref))', /asks for at least 101 table elements, and may have 100; /)
})

/** Module, name of the function to call, parameters, what it returns and what it costs. */
const featureful: readonly (readonly [
  feature: string,
  text: string,
  parameters: readonly unknown[],
  outcome: unknown,
  used: bigint,
])[] = [
  ['several results', '(func (export "f") (result i32 i64) (i32.const 1) (i64.const 2))', [], [1, 2n], 2n],
  [
    'tail calls',
    `(func $f (export "f") (param i32) (result i32)
      (if (i32.eqz (local.get 0)) (then (return (i32.const 9))))
      (return_call $f (i32.sub (local.get 0) (i32.const 1))))`,
    [100_000],
    9,
    700_005n,
  ],
  [
    'vectors',
    '(func (export "f") (result i32) (i32x4.extract_lane 2 (i32x4.add (v128.const i32x4 1 2 3 4) (i32x4.splat (i32.const 5)))))',
    [],
    8,
    5n,
  ],
  [
    'saturating conversions',
    '(func (export "f") (result i32) (i32.trunc_sat_f64_s (f64.const 1e300)))',
    [],
    0x7fffffff,
    2n,
  ],
  ['sign extension', '(func (export "f") (result i32) (i32.extend8_s (i32.const 255)))', [], -1, 2n],
  [
    'arrays',
    `(type $a (array (mut i32)))
     (func (export "f") (result i32) (array.len (array.new $a (i32.const 3) (i32.const 50))))`,
    [],
    50,
    54n,
  ],
  [
    'structures and casts',
    `(type $s (struct (field i32)))
     (func (export "f") (result i32) (struct.get $s 0 (ref.cast (ref $s) (struct.new $s (i32.const 5)))))`,
    [],
    5,
    4n,
  ],
  [
    'typed function references',
    `(type $t (func (result i32))) (elem declare func $g) (func $g (type $t) (i32.const 3))
     (func (export "f") (result i32) (call_ref $t (ref.func $g)))`,
    [],
    3,
    3n,
  ],
  [
    'an extended constant',
    '(global $g i32 (i32.add (i32.const 1) (i32.const 2))) (func (export "f") (result i32) (global.get $g))',
    [],
    3,
    1n,
  ],
  [
    'a wide memory',
    '(memory i64 1) (func (export "f") (param i64) (result i64) (memory.fill (i64.const 0) (i32.const 1) (local.get 0)) (memory.grow (i64.const 1)))',
    [100n],
    1n,
    1507n,
  ],
  [
    'relaxed vectors',
    '(func (export "f") (result i32) (i8x16.extract_lane_s 0 (i8x16.relaxed_swizzle (v128.const i32x4 7 2 3 4) (v128.const i32x4 0 0 0 0))))',
    [],
    7,
    4n,
  ],
  [
    'several memories',
    `(memory $a 1) (memory $b 1) (func (export "f") (result i32)
       (i32.store $b (i32.const 8) (i32.const 5))
       (memory.copy $a $b (i32.const 0) (i32.const 0) (i32.const 16)) (i32.load $a (i32.const 8)))`,
    [],
    5,
    25n,
  ],
  [
    'atomics on shared memory',
    '(memory 1 1 shared) (func (export "f") (result i32) (i32.atomic.rmw.add (i32.const 0) (i32.const 5)))',
    [],
    0,
    3n,
  ],
  [
    'exceptions of the second kind',
    `(tag $e (param i32))
     (func $g (param i32) (if (local.get 0) (then (throw $e (i32.const 4)))))
     (func (export "f") (param i32) (result i32)
       (block $h (result i32) (try_table (result i32) (catch $e $h) (call $g (local.get 0)) (i32.const 1))))`,
    [1],
    4,
    8n,
  ],
  [
    'exceptions of the first kind',
    `(tag $e (param i32))
     (func $g (param i32) (if (local.get 0) (then (throw $e (i32.const 4)))))
     (func (export "f") (param i32) (result i32)
       (try (result i32) (do (call $g (local.get 0)) (i32.const 1)) (catch $e)))`,
    [1],
    4,
    7n,
  ],
]

for (const [feature, text, parameters, outcome, used] of featureful) {
  test(`a module with ${feature} behaves as before, and is charged`, () => {
    const { run } = startMetered(wasmOf(`(module ${text})`))
    assert.deepEqual(run('f', parameters), { outcome, used })
    assert.equal(run('f', parameters, used).outcome === ranOut, false)
  })
}

test('names survive, so that a trap still says where', () => {
  const counted = (bytes: readonly number[]): number[] => [bytes.length, ...bytes]
  const name = (text: string): number[] => counted([...Buffer.from(text)])
  const functionNames = [1, ...counted([2, 0, ...name('my_inner'), 1, ...name('my_outer')])]
  const module = wasmOf('(module (func $inner unreachable) (func $outer (export "f") (call $inner)))')
  const { exports } = startMetered(new Uint8Array([...module, 0, ...counted([...name('name'), ...functionNames])]))
  assert.throws(exports.f as () => void, (cause: Error) => /my_inner.*\n.*my_outer/.test(cause.stack ?? ''))
})

test('an instruction that the meter does not know is refused by its name and where it is, reached or not', () => {
  const module = wasmOf('(module (func (export "f") (result i32) (i32.const 77)))')
  const at = module.indexOf(0x41)
  for (const [opcode, name] of [
    [[0x27, 0x00], '0x27'],
    [[0xc5, 0x01], '0xc5'],
    [[0xfc, 0x7f], '0xfc 127'],
  ] as const) {
    const changed = new Uint8Array(module)
    changed.set(opcode, at)
    assert.throws(
      () => meterValidModule(changed, limits),
      (cause) =>
        cause instanceof RigError &&
        cause.code === 'PLUGIN_INVALID' &&
        cause.message.includes(`the instruction ${name} at its byte ${at}, which`),
    )
  }
})

test('recursion ends where the fuel does, by whatever call', () => {
  const { run } = startMetered(
    wasmOf(`(module (type $t (func)) (table funcref (elem $indirect))
      (func $direct (export "direct") (call $direct))
      (func $indirect (export "indirect") (call_indirect (type $t) (i32.const 0)))
      (func $reference (export "reference") (call_ref $t (ref.func $reference)))
      (func $tail (export "tail") (return_call $tail))
      (func $odd (export "odd") (call $even)) (func $even (call $odd)))`),
  )
  for (const name of ['direct', 'indirect', 'reference', 'tail', 'odd']) {
    const { outcome, used } = run(name, [], 1000n)
    assert.equal(outcome, ranOut, name)
    assert.ok(used <= 1003n, `${name} used ${used}`)
  }
})

test('little is overdrawn: long functions look as they begin, and callers of short ones between calls', () => {
  const nops = (count: number): string => 'nop '.repeat(count)
  const { run } = startMetered(
    wasmOf(`(module (func $short (export "short") ${nops(200)}) (func (export "long") ${nops(300)})
      (func (export "calls") ${'(call $short) '.repeat(200)}))`),
  )
  assert.deepEqual(run('short', [], 100n), { outcome: undefined, used: 200n })
  assert.equal(run('long', [], 299n).outcome, ranOut)
  assert.deepEqual(run('long', [], 300n), { outcome: undefined, used: 300n })
  assert.deepEqual(run('calls'), { outcome: undefined, used: 200n + 200n * 200n })
  const { outcome, used } = run('calls', [], 1000n)
  assert.equal(outcome, ranOut)
  assert.ok(used <= 200n + 64n * 200n, `${used} used`)
})

test('a module that has as much as V8 takes, and no room for its fuel, is refused', () => {
  const refused = (section: readonly number[], sentence: RegExp): void => {
    const module = new Uint8Array([...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0], ...section])
    assert.ok(WebAssembly.validate(module))
    assert.throws(() => meterModule(module, limits), sentence)
  }
  const locals = [1, ...unsigned(50_000), 0x7f]
  const body = [...locals, 0x03, 0x40, 0x0b, 0x0b]
  refused(
    [...[1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 10], body.length + 2, 1, body.length, ...body],
    /PLUGIN_INVALID: a function of the module has 50000 locals and needs 1 more/,
  )
  const globals = [...unsigned(1_000_000), ...new Array(1_000_000).fill([0x7f, 0, 0x41, 0, 0x0b]).flat()]
  refused(
    [6, ...unsigned(globals.length), ...globals],
    /PLUGIN_INVALID: the module has 1000000 globals, and may have one less/,
  )
})

test('a function that metering makes larger than V8 takes is refused', () => {
  const branches = 1_300_000
  const body = [0, 0x02, 0x40, ...new Array(branches).fill([0x41, 0, 0x0d, 0]).flat(), 0x0b, 0x0b]
  const size = unsigned(body.length + 1 + [...unsigned(body.length)].length)
  const module = new Uint8Array([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 10, ...size, 1],
    ...[...unsigned(body.length), ...body],
  ])
  assert.ok(WebAssembly.validate(module))
  assert.throws(
    () => meterModule(module, limits),
    /PLUGIN_INVALID: the function at byte \d+ of the module has \d+ bytes/,
  )
})

test('what V8 does not take is refused in its words, and an export of the same name is left alone', () => {
  const refused = (bytes: Uint8Array, reason: RegExp): void =>
    assert.throws(
      () => meterModule(bytes, limits),
      (cause) => cause instanceof RigError && cause.code === 'PLUGIN_INVALID' && reason.test(cause.message),
    )
  refused(new Uint8Array(Buffer.from('#!/bin/sh')), /expected magic word/)
  refused(new Uint8Array(0), /PLUGIN_INVALID/)
  refused(guestModule({ process: [] }), /expected 1 elements on the stack/)
  const { fuelExport } = meterModule(wasmOf('(module (func (export "openracing_fuel")))'), limits)
  assert.equal(fuelExport, 'openracing_fuel_')
})

test('modules that nobody wrote do metered what they do unmetered, and cost what plain counting says', () => {
  let exact = 0
  for (let seed = 1; seed <= 10; seed++) {
    const wasm = inventedModule(seed, 2000 + 500 * (seed % 8))
    const original: unknown[] = []
    const module = new WebAssembly.Module(wasm)
    const { exports } = new WebAssembly.Instance(module, importsOf(module, original))
    const calls = callAll(exports, (call) => ({ outcome: call(), kept: undefined, goOn: true }))
    if (overflowed(calls)) continue

    const [costs, plainly] = [createFunctionMeter, createPlainMeter].map((by) => {
      const effects: unknown[] = []
      const metered = startMetered(wasm, plenty, importsOf(module, effects), by)
      const its = callAll(metered.exports, (call) => {
        metered.fuel.value = full
        const outcome = call()
        return { outcome, kept: full - metered.fuel.value, goOn: true }
      })
      assert.deepEqual(
        its.map(({ outcome }) => outcome),
        calls.map(({ outcome }) => outcome),
        `seed ${seed}`,
      )
      assert.deepEqual(effects, original, `seed ${seed}`)
      // One that traps does not give back what it keeps of the fuel.
      return its.filter(({ outcome }) => typeof outcome !== 'string').map(({ name, kept }) => [name, kept] as const)
    }) as [[string, bigint][], [string, bigint][]]
    assert.deepEqual(costs, plainly, `seed ${seed}`)
    exact += costs.filter(([, used]) => used > 0n).length
  }
  assert.ok(exact > 30, `${exact} calls compared in what they cost`)
})

test('no bytes make the meter throw anything but a refusal, write what V8 does not take, or count wrong', () => {
  const pool = fuzzPool(3)
  const verdicts = { refused: 0, metered: 0, ran: 0 }
  for (let input = 0; input < 4000; input++) verdicts[checkMeter(fuzzInput(pool, 1, input))] += 1
  assert.ok(verdicts.ran > 200, `${verdicts.ran} of the changed modules ran`)
})

test('a guest that loops forever in its process ends by itself', () => {
  const { run } = startMetered(guestModule({ process: [...op.loopForever, ...op.i32(0)] }))
  assert.equal(run('process', [0, 0, 0, 0], 1_000_000n).outcome, ranOut)
})
