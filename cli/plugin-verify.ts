import { resolve } from 'node:path'
import { Command } from 'commander'
import { RigError } from '../rpc/failure.ts'
import { readArtefact } from '../services/trust/artefact.ts'
import { bundleFile } from '../services/trust/bundle.ts'
import { fingerprint, parsePublicKey, signatureBytes, verifyStrict } from '../services/trust/ed25519.ts'
import { claimFault, signedMessage } from '../services/trust/proof.ts'
import { plainSignature, readSidecars, type Signature } from '../services/trust/sidecar.ts'
import { readInput } from './call-files.ts'
import { readKeyFile } from './key-file.ts'
import { aroundArtefact, verifyBundle } from './plugin-bundle.ts'
import { json } from './table.ts'

interface VerifyOptions {
  readonly library: string
  readonly key: string
  readonly signature?: string
  readonly json?: boolean
}

const untrusted = (sentence: string): RigError => new RigError('PLUGIN_UNTRUSTED', sentence)

/** The 64 bytes that `openssl pkeyutl -sign -rawin` writes. */
async function rawSignature(file: string): Promise<Signature> {
  const bytes = await readInput(file)
  if (bytes.length === signatureBytes) return plainSignature({ file, bytes, fingerprint: null })
  throw new RigError('REQUEST_INVALID', `${file} has ${bytes.length} bytes; an Ed25519 signature has ${signatureBytes}`)
}

/** What stands beside the artefact. */
function sidecarsOf(library: string): readonly Signature[] {
  const found = readSidecars(library)
  if (found.kind === 'bad') throw untrusted(found.sentence)
  if (found.signatures.length > 0) return found.signatures
  throw untrusted(`${library} has no signature beside it; sign it with \`wheelctl plugin sign\``)
}

/** Whether an artefact is signed by one key, whatever any rig thinks of that. */
async function verifyPlugin({ library, key, signature: file, ...options }: VerifyOptions): Promise<void> {
  const raw = parsePublicKey(readKeyFile(key))
  const path = resolve(library)
  const artefact = await readArtefact(path)
  const print = fingerprint(raw)
  const check = (signature: Signature): void => {
    if (signature.fingerprint !== null && signature.fingerprint !== print) {
      throw untrusted(`${signature.file} names the key ${signature.fingerprint}, and ${key} is ${print}`)
    }
    const fault = claimFault(artefact, signature)
    if (fault !== undefined) throw untrusted(fault)
    if (verifyStrict(raw, signedMessage(artefact, signature), signature.bytes)) return
    throw untrusted(`${signature.file} is not a signature of ${path} by ${key} (${print})`)
  }
  for (const signature of file === undefined ? sidecarsOf(path) : [await rawSignature(file)]) check(signature)
  const { sha256 } = artefact
  const { plugin, unfit } = aroundArtefact(path, sha256)
  const bundle = plugin !== undefined && verifyBundle(plugin, raw, Date.now())
  if (unfit !== undefined) process.stderr.write(`warning: it is verified alone, without a ${bundleFile}: ${unfit}\n`)
  const manifest = bundle ? `, together with the manifest in ${plugin.directory}` : ''
  const told = `${path} is signed by ${print}${manifest}\nSHA-256 ${sha256}\n`
  process.stdout.write(options.json ? json({ verified: true, bundle, sha256, key_fingerprint: print }) : told)
}

/** `wheelctl plugin verify` */
export const verifyCommand = (): Command =>
  new Command('verify')
    .description('whether an artefact, and plugin.sig.json where it is there, are signed by a key')
    .requiredOption('--library <file>', 'the artefact, .so or .wasm')
    .requiredOption('--key <file>', 'PEM of the public key')
    .option('--signature <file>', '64 raw bytes, as openssl writes them (default: the .sig beside the artefact)')
    .option('--json', 'for programs')
    .action(verifyPlugin)
