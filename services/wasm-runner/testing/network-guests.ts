import { actionModule } from './call-guests.ts'
import { wasmOf } from './wasm-text.ts'

const quoted = (text: string): string =>
  [...Buffer.from(text)].map((byte) => `\\${byte.toString(16).padStart(2, '0')}`).join('')

const imports = `
  (import "env" "http_request" (func $request (param i32 i32) (result i32)))
  (import "env" "http_status" (func $status (param i32) (result i32)))
  (import "env" "http_read" (func $read (param i32 i32 i32) (result i32)))
  (import "env" "http_close" (func $close (param i32) (result i32)))
  (import "env" "udp_send" (func $send (param i32 i32 i32 i32) (result i32)))`

/** `{"method", "url"}` at 0, `host:port` at 512. */
const texts = (ask: object, to: string): string => `
  (data (i32.const 0) "${quoted(JSON.stringify(ask))}")
  (data (i32.const 512) "${quoted(to)}")`

const lengthOf = (ask: object): number => Buffer.byteLength(JSON.stringify(ask))

/**
 * A plugin of openracing-env-1 that asks, tick by tick, until it has an answer, and logs the body of that, of 1 KiB at
 * the most; then it sends the datagram `hello` once.
 */
export const fetchingModule = (ask: object, to = ''): Uint8Array<ArrayBuffer> =>
  wasmOf(`(module ${imports}
    (import "env" "log_info" (func $log (param i32 i32)))
    (memory (export "memory") 1)
    ${texts(ask, to)} (data (i32.const 768) "hello")
    (global $handle (mut i32) (i32.const 0))
    (global $done (mut i32) (i32.const 0))
    (func (export "process") (param $scalar f32) (param f32) (result f32)
      (if (i32.eqz (global.get $done)) (then
        (if (i32.lt_s (global.get $handle) (i32.const 1))
          (then (global.set $handle (call $request (i32.const 0) (i32.const ${lengthOf(ask)})))))
        (if (i32.ge_s (call $status (global.get $handle)) (i32.const 100)) (then
          (call $log (i32.const 4096) (call $read (global.get $handle) (i32.const 4096) (i32.const 1024)))
          (drop (call $close (global.get $handle)))
          (drop (call $send (i32.const 512) (i32.const ${to.length}) (i32.const 768) (i32.const 5)))
          (global.set $done (i32.const 1))))))
      (local.get $scalar)))`)

/** An action that asks, waits, says the body on stderr, of 1 KiB at the most, and returns the status less 200. */
export const fetchingAction = (ask: object): Uint8Array<ArrayBuffer> =>
  actionModule(`${imports}
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    ${texts(ask, '')}
    (func (export "execute") (param i32 i32) (result i32) (local $handle i32) (local $status i32)
      (local.set $handle (call $request (i32.const 0) (i32.const ${lengthOf(ask)})))
      (local.set $status (call $status (local.get $handle)))
      (i32.store (i32.const 768) (i32.const 12288))
      (i32.store (i32.const 772) (call $read (local.get $handle) (i32.const 12288) (i32.const 1024)))
      (if (i32.gt_s (local.get $status) (i32.const 0))
        (then (drop (call $write (i32.const 2) (i32.const 768) (i32.const 1) (i32.const 776)))))
      (i32.sub (local.get $status) (i32.const 200)))`)
