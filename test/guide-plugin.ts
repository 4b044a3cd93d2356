import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { blocksOf, readGuide, withoutGuides } from './guide.ts'
import { compileForWasi } from './wasi-program.ts'

/** The guides' examples in C. */
const sources = fileURLToPath(new URL('plugins/guides', import.meta.url))

const library = ['-mexec-model=reactor']
/** What is missing is imported: of C's library, the memory functions. */
const alone = ['-nostdlib', '-fno-builtin', '-Wl,--no-entry', '-Wl,--allow-undefined']

const options = {
  resize: library,
  tokenize: library,
  'minimal-action': library,
  'complete-action': alone,
} as const

/** test/plugins/guides/NAME.c as a module. */
export const buildGuidePlugin = (name: keyof typeof options): Uint8Array<ArrayBuffer> =>
  compileForWasi(join(sources, `${name}.c`), options[name])

/** Debian's, whatever else there is: rustup's has no WebAssembly unless it was asked for. */
const rustc = '/usr/bin/rustc'
const target = 'wasm32-wasi'

function canCompileRust(): boolean {
  const { status, stdout } = spawnSync(rustc, ['--print', 'target-libdir', '--target', target], { encoding: 'utf8' })
  return status === 0 && spawnSync('ls', [stdout.trim()], { encoding: 'utf8' }).stdout.includes('libstd')
}

/** Why the guides' listings in Rust cannot be compiled here; false when they can. For the `skip` of a test. */
export const noRustCompiler: string | false = canCompileRust()
  ? withoutGuides
  : 'there is no Rust compiler for WASI; install the Debian packages rustc libstd-rust-dev-wasm32'

/** The listing of a guide, in Rust, that has this in it; the last one where there are more. */
export function listingOf(guide: string, part: string): string {
  const found = blocksOf(readGuide(guide), 'rust').findLast((block) => block.includes(part))
  if (found === undefined) throw new Error(`${guide} has no listing with ${part}`)
  return found
}

/** A listing as a module, as the guides build theirs. */
export function compileRust(source: string): Uint8Array<ArrayBuffer> {
  const directory = mkdtempSync(join(tmpdir(), 'openracing-rust-'))
  const [input, output] = [join(directory, 'plugin.rs'), join(directory, 'plugin.wasm')]
  const optimised = ['opt-level=z', 'panic=abort', 'lto', 'strip=symbols'].flatMap((option) => ['-C', option])
  try {
    writeFileSync(input, source)
    const flags = ['--target', target, '--edition', '2021', '--crate-type', 'cdylib', ...optimised]
    const { status, stderr } = spawnSync(rustc, [...flags, '-o', output, input], { encoding: 'utf8' })
    if (status !== 0) throw new Error(`a listing does not compile: ${stderr}`)
    return new Uint8Array(readFileSync(output))
  } finally {
    rmSync(directory, { recursive: true })
  }
}
