import { readFileSync } from 'node:fs'
import { guestModule } from './guest-module.ts'
import { mutate } from './mutate.ts'
import { createRandom } from './random.ts'
import { inventedModule, wasmOf } from './wasm-text.ts'

const sample = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../../../plugins/${name}/build/${name}.wasm`, import.meta.url)))

/** What the assembler's fuzzer does not make, or seldom: each a few instructions, to be changed. */
const handwritten: readonly string[] = [
  `(module (memory 1 2) (memory i64 1 3) (table $t 4 funcref) (table $u i64 2 9 funcref) (data $d "0123456789")
     (elem $e funcref (ref.null func) (ref.null func))
     (func (export "f") (param i32) (result i32)
       (memory.copy 0 0 (local.get 0) (i32.const 3) (i32.const 8)) (memory.copy 1 1 (i64.const 7) (i64.const 3) (i64.const 8)) (memory.init $d (i32.const 0) (i32.const 0) (i32.const 4))
       (memory.fill 1 (i64.const 0) (i32.const 1) (i64.const 9)) (table.fill $t (i32.const 0) (ref.null func) (i32.const 2))
       (drop (memory.grow 1 (i64.const 1))) (drop (table.grow $u (ref.null func) (i64.const 1)))
       (table.init $t $e (i32.const 0) (i32.const 0) (i32.const 1)) (table.copy $t $t (i32.const 1) (i32.const 0) (i32.const 3))
       (table.copy $u $u (i64.const 0) (i64.const 1) (i64.const 1)) (memory.grow 0 (i32.const 1))))`,
  `(module (tag $e (param i32)) (func $g (param i32) (if (i32.and (local.get 0) (i32.const 1)) (then (throw $e (i32.const 4)))))
     (func (export "f") (param i32) (result i32) (local i32)
       (loop $l (local.set 1 (i32.add (local.get 1) (try (result i32) (do (call $g (local.get 0)) (i32.const 1))
         (catch $e) (catch_all (i32.const 7)))))
         (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (local.get 1)))`,
  `(module (tag $e (param i32)) (func $g (param i32) (if (i32.and (local.get 0) (i32.const 1)) (then (throw $e (i32.const 4)))))
     (func (export "f") (param i32) (result i32)
       (block $h (result i32) (try_table (result i32) (catch $e $h) (call $g (local.get 0)) (i32.const 1)))
       (block $i (try_table (catch_all $i) (call $g (local.get 0)) (throw $e (i32.const 2)))) (drop) (i32.const 3)))`,
  `(module (type $a (array (mut i32))) (type $s (struct (field (mut i32)) (field (ref null $a))))
     (func (export "f") (param i32) (result i32) (local $r (ref null $s))
       (local.set $r (struct.new $s (local.get 0) (array.new $a (i32.const 3) (i32.const 50))))
       (array.fill $a (struct.get $s 1 (local.get $r)) (i32.const 1) (i32.const 7) (i32.const 8))
       (array.copy $a $a (struct.get $s 1 (local.get $r)) (i32.const 1) (struct.get $s 1 (local.get $r)) (i32.const 9) (i32.const 5))
       (block $n (drop (br_on_null $n (local.get $r))))
       (drop (block $c (result anyref) (drop (br_on_cast $c anyref (ref $s) (local.get $r))) (ref.null any)))
       (array.len (array.new_fixed $a 3 (i32.const 1) (i32.const 2) (i32.const 3)))))`,
  `(module (table 3 funcref) (elem (i32.const 0) $a $b $c) (type $t (func (param i32) (result i32)))
     (func $a (type $t) (if (i32.eqz (local.get 0)) (then (return (i32.const 9)))) (return_call $b (i32.sub (local.get 0) (i32.const 1))))
     (func $b (type $t) (return_call_indirect (type $t) (local.get 0) (i32.rem_u (local.get 0) (i32.const 3))))
     (func $c (export "f") (type $t) (block $x (block $y (block $z (br_table $x $y $z $y (local.get 0))) (return (i32.const 1)))
       (return (call $a (i32.const 5)))) (call_indirect (type $t) (i32.const 4) (i32.const 0))))`,
]

/** Valid modules to be changed: real ones, handwritten ones, and as many that the assembler's fuzzer invents. */
export function fuzzPool(invented: number): readonly Uint8Array[] {
  return [
    sample('rpm-leds'),
    sample('slip-ffb'),
    guestModule(),
    ...handwritten.map(wasmOf),
    ...Array.from({ length: invented }, (_, seed) => inventedModule(100 + seed, 400 + 200 * (seed % 10))),
  ]
}

/** The same bytes for the same pool, seed and number. */
export const fuzzInput = (pool: readonly Uint8Array[], seed: number, input: number): Uint8Array<ArrayBuffer> =>
  mutate(pool, createRandom(Math.imul(seed, 0x9e3779b1) ^ input))
