import { wasmOf } from './wasm-text.ts'

const memory = '(memory (export "memory") 1)'

/** A whole module: these fields, and those of `usual` whose names they do not export. */
function completed(fields: string, usual: Readonly<Record<string, string>>): Uint8Array<ArrayBuffer> {
  const missing = Object.entries(usual).filter(([name]) => !fields.includes(`(export "${name}"`))
  return wasmOf(`(module ${fields}\n${missing.map(([, field]) => field).join('\n')})`)
}

/** A plugin of zenith-1, whose process copies its input. `plugin_info` is at 16, so keep 16 to 47 as they are. */
export const zenithModule = (fields = ''): Uint8Array<ArrayBuffer> =>
  completed(fields, {
    memory,
    plugin_info: '(data (i32.const 16) "copier v1.2.3\\00") (func (export "plugin_info") (result i32) (i32.const 16))',
    process: `(func (export "process") (param i32 i32 i32 i32) (result i32)
      (if (i32.gt_u (local.get 1) (i32.load (local.get 3))) (then (return (i32.const -2))))
      (memory.copy (local.get 2) (local.get 0) (local.get 1))
      (i32.store (local.get 3) (local.get 1))
      (i32.const 0))`,
  })

export const metadataOf = (part: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify({
    ...{ name: 'keys', version: '0.1.0', description: 'Does nothing', author: 'Somebody', license: 'MIT' },
    ...{ type: 'action', capabilities: [], ...part },
  })

/** A plugin of midimon-action-1, which says `metadata`, kept from 1024 on, and whose requests begin at 8192. */
export function actionModule(fields = '', metadata = metadataOf()): Uint8Array<ArrayBuffer> {
  const bytes = [...Buffer.from(metadata)].map((byte) => `\\${byte.toString(16).padStart(2, '0')}`).join('')
  const packed = (1024n << 32n) | BigInt(Buffer.byteLength(metadata))
  return completed(fields, {
    memory,
    init: `(data (i32.const 1024) "${bytes}") (func (export "init") (result i64) (i64.const ${packed}))`,
    execute: '(func (export "execute") (param i32 i32) (result i32) (i32.const 0))',
    alloc: '(func (export "alloc") (param i32) (result i32) (i32.const 8192))',
    dealloc: '(func (export "dealloc") (param i32 i32))',
  })
}

/** Says a word on stderr, returns 0 for an `h…`, traps for a `t…`, loops for an `l…`, and returns `code` for what else it is asked for. */
export const speakingAction = (code: number): Uint8Array<ArrayBuffer> =>
  actionModule(`
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (data (i32.const 64) "\\50\\00\\00\\00\\06\\00\\00\\00") (data (i32.const 80) "heard\\n")
    (func (export "execute") (param i32 i32) (result i32) (local $letter i32)
      (drop (call $write (i32.const 2) (i32.const 64) (i32.const 1) (i32.const 72)))
      (local.set $letter (i32.load8_u offset=11 (local.get 0)))
      (if (i32.eq (local.get $letter) (i32.const 0x68)) (then (return (i32.const 0))))
      (if (i32.eq (local.get $letter) (i32.const 0x74)) (then unreachable))
      (if (i32.eq (local.get $letter) (i32.const 0x6c)) (then (loop $l (br $l))))
      (i32.const ${code}))`)
