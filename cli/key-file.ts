import { createPrivateKey, type KeyObject } from 'node:crypto'
import { readTextFile } from '../input/text-file.ts'
import { RigError } from '../rpc/failure.ts'

/** Largest file of a key, bytes: PEM of an Ed25519 key has 120. */
const keyFileMaxBytes = 64 * 1024

/** The text of a file that was named on the command line. Throws FILE_MISSING, REQUEST_INVALID. */
export function readNamedText(file: string, maxBytes: number): string {
  const text = readTextFile(file, maxBytes, 'REQUEST_INVALID')
  if (text === null) throw new RigError('FILE_MISSING', `there is no file ${file}`)
  return text
}

export const readKeyFile = (file: string): string => readNamedText(file, keyFileMaxBytes)

/** The private half of a key, from PKCS #8 PEM as `openssl genpkey` writes it. Throws FILE_MISSING, REQUEST_INVALID. */
export function readPrivateKey(file: string): KeyObject {
  const pem = readKeyFile(file)
  const invalid = (what: string, cause?: unknown): RigError =>
    new RigError('REQUEST_INVALID', `${file} ${what}`, { cause })
  if (pem.includes('ENCRYPTED')) {
    throw invalid(
      'is encrypted; decrypt it for this with `openssl pkey -in FILE -out FILE`, where nobody else can read',
    )
  }
  if (!pem.includes('PRIVATE KEY')) {
    throw invalid('is no private key; give the one that `openssl genpkey -algorithm ED25519` wrote')
  }
  let key: KeyObject
  try {
    key = createPrivateKey(pem)
  } catch (cause) {
    throw invalid(`is not PEM of a private key (${(cause as Error).message})`, cause)
  }
  if (key.asymmetricKeyType === 'ed25519') return key
  throw invalid(`is a key of type ${key.asymmetricKeyType}; plugins are signed with ed25519`)
}
