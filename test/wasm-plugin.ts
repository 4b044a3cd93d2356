import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { wasmOf } from '../services/wasm-runner/testing/wasm-text.ts'

/** Modules with one vice each: text, or a program that makes what is too large for text. */
const sources = new URL('plugins/wasm/', import.meta.url)

/** The names of the vices. */
export const wasmVices = (): readonly string[] =>
  readdirSync(fileURLToPath(sources)).map((file) => file.replace(/\.(wat|ts)$/, ''))

/** What a plugin needs beside its vice. */
const usual: Readonly<Record<string, string>> = {
  memory: '(memory (export "memory") 1)',
  openracing_abi: '(func (export "openracing_abi") (result i32) (i32.const 1))',
  alloc: '(func (export "alloc") (param i32) (result i32) (i32.const 1024))',
  dealloc: '(func (export "dealloc") (param i32 i32))',
  initialize: '(func (export "initialize") (param i32 i32) (result i32) (i32.const 0))',
  process: '(func (export "process") (param i32 i32 i32 i32) (result i32) (i32.const 0))',
}

/** A whole module of openracing-sdk-1: these fields, and what they do not export. */
export function completed(fields: string): string {
  const missing = Object.entries(usual).filter(([name]) => !fields.includes(`(export "${name}"`))
  return `(module ${fields}\n${missing.map(([, field]) => field).join('\n')})`
}

/** The module of test/plugins/wasm/NAME. */
export async function buildWasmPlugin(name: string): Promise<Uint8Array<ArrayBuffer>> {
  const text = new URL(`${name}.wat`, sources)
  if (existsSync(text)) {
    const fields = readFileSync(text, 'utf8')
    return wasmOf(fields.startsWith('(module') ? fields : completed(fields))
  }
  const { build } = (await import(new URL(`${name}.ts`, sources).href)) as { build(): Uint8Array<ArrayBuffer> }
  return build()
}
