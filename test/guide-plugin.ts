import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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

/** Crates that came as packages of Debian. */
const crates = '/usr/share/cargo/registry'
const hasCrate = (name: string): boolean =>
  existsSync(crates) && readdirSync(crates).some((each) => each.startsWith(`${name}-1.`))

/** Why a listing that reads JSON with serde cannot be compiled here; false when it can. */
export const noSerde: string | false =
  existsSync('/usr/bin/cargo') && hasCrate('serde') && hasCrate('serde_json')
    ? noRustCompiler
    : 'there is no serde for Rust; install the Debian packages cargo librust-serde-dev librust-serde-json-dev'

const manifest = `[package]
name = "listing"
version = "0.1.0"
edition = "2021"
[lib]
crate-type = ["cdylib"]
[dependencies]
serde = { version = "1.0", default-features = false, features = ["derive", "alloc"] }
serde_json = { version = "1.0", default-features = false, features = ["alloc"] }
[profile.release]
opt-level = "z"
lto = true
panic = "abort"
strip = true
`

/** Nothing is asked of a registry. */
const offline = `[source.crates-io]
replace-with = "debian"
[source.debian]
directory = "${crates}"
`

/** Kept from run to run: serde takes half a minute of CPU time. */
const crate = fileURLToPath(new URL('../build/rust-listing', import.meta.url))

/** A listing that uses serde as a module, as the guide builds it. */
export function compileWithSerde(source: string): Uint8Array<ArrayBuffer> {
  for (const directory of ['src', '.cargo']) mkdirSync(join(crate, directory), { recursive: true })
  for (const [file, text] of [
    ['src/lib.rs', source],
    ['Cargo.toml', manifest],
    ['.cargo/config.toml', offline],
  ] as const) {
    writeFileSync(join(crate, file), text)
  }
  const { status, stderr } = spawnSync('/usr/bin/cargo', ['build', '--offline', '--release', '--target', target], {
    cwd: crate,
    encoding: 'utf8',
    env: { PATH: '/usr/bin:/bin', CARGO_HOME: join(crate, 'cargo') },
  })
  if (status !== 0) throw new Error(`a listing does not compile: ${stderr}`)
  return new Uint8Array(readFileSync(join(crate, 'target', target, 'release', 'listing.wasm')))
}
