import { generateKeyPairSync } from 'node:crypto'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { Command } from 'commander'
import { RigError, systemFailure } from '../rpc/failure.ts'
import { fingerprint, parsePublicKey } from '../services/trust/ed25519.ts'
import { readKeyFile } from './key-file.ts'
import { json } from './table.ts'

interface Options {
  readonly json?: boolean
}

function printFingerprint({ key, ...options }: Options & { readonly key: string }): void {
  const print = fingerprint(parsePublicKey(readKeyFile(key)))
  process.stdout.write(options.json ? json({ fingerprint: print }) : `${print}\n`)
}

/** A key that is overwritten is lost for good. */
function writeNew(file: string, text: string, mode: number): void {
  try {
    writeFileSync(file, text, { flag: 'wx', mode, flush: true })
  } catch (cause) {
    const what = `${file} cannot be made (${(cause as Error).message})`
    throw new RigError(systemFailure(cause, 'REQUEST_INVALID'), `${what}; name another file`, { cause })
  }
}

function generate(options: Options & { readonly private: string; readonly public: string }): void {
  const pair = generateKeyPairSync('ed25519')
  if (existsSync(options.public)) {
    throw new RigError('REQUEST_INVALID', `${options.public} is there already; name another file with --public`)
  }
  writeNew(options.private, pair.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(), 0o600)
  const pem = pair.publicKey.export({ format: 'pem', type: 'spki' }).toString()
  try {
    writeNew(options.public, pem, 0o644)
  } catch (cause) {
    rmSync(options.private)
    throw cause
  }
  const made = { fingerprint: fingerprint(parsePublicKey(pem)), private: options.private, public: options.public }
  process.stdout.write(
    options.json
      ? json(made)
      : `${made.fingerprint}\n${made.private} signs: keep it secret\n${made.public} is for those who are to trust you\n`,
  )
}

/** `wheelctl crypto …`: what needs no rig. */
export const cryptoCommand = (): Command =>
  new Command('crypto')
    .description('Ed25519 keys, without a rig')
    .addCommand(
      new Command('fingerprint')
        .description('hex SHA-256 of the 32 raw bytes of a public key')
        .requiredOption('--key <file>', 'PEM of the public key')
        .option('--json', 'for programs')
        .action(printFingerprint),
    )
    .addCommand(
      new Command('keygen')
        .description('makes a key pair')
        .option('--private <file>', 'where the private half goes', 'plugin_private.pem')
        .option('--public <file>', 'where the public half goes', 'plugin_public.pem')
        .option('--json', 'for programs')
        .action(generate),
    )
