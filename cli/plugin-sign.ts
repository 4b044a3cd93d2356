import { createPublicKey, sign } from 'node:crypto'
import { resolve } from 'node:path'
import { Command } from 'commander'
import { RigError, systemFailure } from '../rpc/failure.ts'
import { readArtefact } from '../services/trust/artefact.ts'
import { fingerprint, parsePublicKey } from '../services/trust/ed25519.ts'
import { formatSidecar, isSameSignature, readSidecar, sidecarPaths } from '../services/trust/sidecar.ts'
import { writeDurably } from '../state/durable-file.ts'
import { readPrivateKey } from './key-file.ts'
import { json } from './table.ts'

interface SignOptions {
  readonly library: string
  readonly key: string
  readonly signer: string
  readonly comment?: string
  readonly json?: boolean
}

/** Signs the bytes of an artefact, as `openssl pkeyutl -sign -rawin` does, into the sidecar beside it. */
async function signPlugin({ library, key, signer, comment, ...options }: SignOptions): Promise<void> {
  const secret = readPrivateKey(key)
  const print = fingerprint(parsePublicKey(createPublicKey(secret).export({ format: 'pem', type: 'spki' }).toString()))
  const path = resolve(library)
  const { bytes, sha256 } = await readArtefact(path)
  const [file = '', other] = sidecarPaths(path)
  const signature = { file, bytes: sign(null, bytes, secret), fingerprint: print }
  const beside = other === undefined ? null : readSidecar(other)
  if (beside !== null && !isSameSignature(beside, signature)) {
    throw new RigError('REQUEST_INVALID', `${other} is another signature, and two that differ are refused; remove it`)
  }
  try {
    writeDurably(file, formatSidecar(signature, { signer, timestamp: new Date().toISOString(), comment }), 0o644)
  } catch (cause) {
    const what = `${file} cannot be written (${(cause as Error).message})`
    throw new RigError(systemFailure(cause, 'FILE_MISSING'), `${what}; make its directory writable`, { cause })
  }
  const told = `${file}\nSHA-256 ${sha256}, signed by ${print}\n`
  process.stdout.write(options.json ? json({ file, sha256, key_fingerprint: print }) : told)
}

/** `wheelctl plugin sign` */
export const signCommand = (): Command =>
  new Command('sign')
    .description('signs an artefact: writes FILE.sig beside it')
    .requiredOption('--library <file>', 'the artefact, .so or .wasm')
    .requiredOption('--key <file>', 'PEM of the private key')
    .requiredOption('--signer <name>', 'who signs, for people to read')
    .option('--comment <text>', 'anything else, for people to read')
    .option('--json', 'for programs')
    .action(signPlugin)
