import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Programs in C for WASI preview 1, named for what they do. */
const sources = fileURLToPath(new URL('plugins/wasi', import.meta.url))

const options = ['--target=wasm32-wasi', '--sysroot=/usr', '-std=gnu11', '-O1', '-Wall', '-Wextra', '-Werror']

/**
 * clang hands its work to the wasm-opt that it finds, and npm's scripts have that of a development package in their path: it
 * leaves out what the program that was written has.
 */
const path = (process.env.PATH ?? '')
  .split(delimiter)
  .filter((directory) => !directory.endsWith('node_modules/.bin'))
  .join(delimiter)

/** A file in C as a module. */
export function compileForWasi(source: string, more: readonly string[]): Uint8Array<ArrayBuffer> {
  const directory = mkdtempSync(join(tmpdir(), 'openracing-wasi-program-'))
  const output = join(directory, 'program.wasm')
  try {
    const { status, stderr, error } = spawnSync('clang', [...options, ...more, '-o', output, source], {
      encoding: 'utf8',
      env: { ...process.env, PATH: path },
    })
    if (status !== 0) throw new Error(`${source} does not compile: ${stderr || error?.message}`)
    return new Uint8Array(readFileSync(output))
  } finally {
    rmSync(directory, { recursive: true })
  }
}

const built = new Map<string, Uint8Array<ArrayBuffer>>()

/** Compiles once what is asked for several times. */
function build(name: string, more: readonly string[]): Uint8Array<ArrayBuffer> {
  const key = [name, ...more].join(' ')
  const bytes = built.get(key) ?? compileForWasi(join(sources, `${name}.c`), more)
  built.set(key, bytes)
  return bytes
}

/** test/plugins/wasi/NAME.c as a program, with `_start`. */
export const buildWasiProgram = (name: string): Uint8Array<ArrayBuffer> => build(name, [])

/** The same as a library, whose constructors are in `_initialize`. */
export const buildWasiLibrary = (name: string): Uint8Array<ArrayBuffer> => build(name, ['-mexec-model=reactor'])

function canCompile(): boolean {
  try {
    buildWasiProgram('exits')
    return true
  } catch {
    return false
  }
}

/** Why programs cannot be compiled here; false when they can. For the `skip` of a test. */
export const noWasiCompiler: string | false = canCompile()
  ? false
  : 'there is no C compiler for WASI; install the Debian packages clang lld wasi-libc libclang-rt-14-dev-wasm32'
