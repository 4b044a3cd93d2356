import { createPublicKey, sign } from 'node:crypto'
import { join, resolve } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { RigError, systemFailure } from '../rpc/failure.ts'
import { readArtefact } from '../services/trust/artefact.ts'
import { bundleFile } from '../services/trust/bundle.ts'
import { fingerprint, parsePublicKey } from '../services/trust/ed25519.ts'
import { formatSidecar, isSameSignature, plainSignature, readSidecar, sidecarPaths } from '../services/trust/sidecar.ts'
import { writeDurably } from '../state/durable-file.ts'
import { readPrivateKey } from './key-file.ts'
import { aroundArtefact, signBundle } from './plugin-bundle.ts'
import { json } from './table.ts'

interface SignOptions {
  readonly library: string
  readonly key: string
  readonly signer: string
  readonly comment?: string
  readonly expires?: number
  readonly json?: boolean
}

/** Date.parse() takes the 30th of February for the 2nd of March. */
function isOfCalendar(day: string): boolean {
  const atMs = Date.parse(day)
  return !Number.isNaN(atMs) && new Date(atMs).toISOString().startsWith(day)
}

/** A day, and a time of it in UTC, an offset or the zone of this machine. */
const timePattern = /^(\d{4}-\d\d-\d\d)(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/

function parseExpiry(text: string): number {
  const [, day] = timePattern.exec(text) ?? []
  const atMs = Date.parse(text)
  if (day !== undefined && isOfCalendar(day) && atMs > Date.now()) return atMs
  throw new InvalidArgumentError('it must be a time to come, such as 2027-01-15 or 2027-01-15T10:30:00Z.')
}

/** Writes what stands beside an artefact, for whoever may read that. */
function write(file: string, text: string): void {
  try {
    writeDurably(file, text, 0o644)
  } catch (cause) {
    const what = `${file} cannot be written (${(cause as Error).message})`
    throw new RigError(systemFailure(cause, 'FILE_MISSING'), `${what}; make its directory writable`, { cause })
  }
}

/**
 * Signs the bytes of an artefact, as `openssl pkeyutl -sign -rawin` does, into the sidecar beside it, and
 * where a manifest names the artefact both together.
 */
async function signPlugin({ library, key, signer, comment, expires, ...options }: SignOptions): Promise<void> {
  const secret = readPrivateKey(key)
  const print = fingerprint(parsePublicKey(createPublicKey(secret).export({ format: 'pem', type: 'spki' }).toString()))
  const path = resolve(library)
  const { bytes, sha256 } = await readArtefact(path)
  const [file = '', other] = sidecarPaths(path)
  const signature = plainSignature({ file, bytes: sign(null, bytes, secret), fingerprint: print })
  const beside = other === undefined ? null : readSidecar(other)
  if (beside !== null && !isSameSignature(beside, signature)) {
    throw new RigError('REQUEST_INVALID', `${other} is another signature, and two that differ are refused; remove it`)
  }
  const { plugin, unfit } = aroundArtefact(path, sha256)
  if (plugin === undefined && expires !== undefined) {
    const why = unfit === undefined ? '' : ` (${unfit})`
    const what = `--expires is for a plugin, and no manifest above ${path} names it${why}`
    throw new RigError('REQUEST_INVALID', `${what}; write one`)
  }
  const sidecar = formatSidecar(signature, { signer, timestamp: new Date().toISOString(), comment })
  const bundle = plugin && {
    file: join(plugin.directory, bundleFile),
    text: signBundle(plugin, secret, print, expires ?? null),
  }
  write(file, sidecar)
  if (bundle !== undefined) write(bundle.file, bundle.text)
  if (unfit !== undefined) process.stderr.write(`warning: it is signed alone, without a ${bundleFile}: ${unfit}\n`)
  const files = bundle === undefined ? `${file}\n` : `${file}\n${bundle.file}\n`
  const told = `${files}SHA-256 ${sha256}, signed by ${print}\n`
  process.stdout.write(
    options.json ? json({ file, bundle: bundle?.file ?? null, sha256, key_fingerprint: print }) : told,
  )
}

/** `wheelctl plugin sign` */
export const signCommand = (): Command =>
  new Command('sign')
    .description('signs an artefact: writes FILE.sig beside it, and plugin.sig.json beside its manifest')
    .requiredOption('--library <file>', 'the artefact, .so or .wasm')
    .requiredOption('--key <file>', 'PEM of the private key')
    .requiredOption('--signer <name>', 'who signs, for people to read')
    .option('--comment <text>', 'anything else, for people to read')
    .option('--expires <time>', 'until when plugin.sig.json is valid (default: without end)', parseExpiry)
    .option('--json', 'for programs')
    .action(signPlugin)
