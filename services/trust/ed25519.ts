import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto'
import { RigError } from '../../rpc/failure.ts'

/** Bytes of a raw public key, and of each half of a signature. RFC 8032, 5.1. */
export const publicKeyBytes = 32
export const signatureBytes = 64

/** The field's prime and the order of the base point. RFC 8032, 5.1. */
const prime = 2n ** 255n - 19n
const groupOrder = 2n ** 252n + 27742317777372353535851937790883648493n

/**
 * y of the points of order 8: the roots of dy⁴ + 2y² = 1, which is what 4P = (0, -1) comes to on this curve. The other
 * root is its negative.
 */
const orderEightY = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n

/** y of all eight points of small order: the order is 1, 2, 4 for the first three. x does not matter. */
const smallOrderY: ReadonlySet<bigint> = new Set([1n, prime - 1n, 0n, orderEightY, prime - orderEightY])

/** DER in front of a raw key that makes it a SubjectPublicKeyInfo. RFC 8410, 4. */
const spkiPrefix = Buffer.from('302a300506032b6570032100', 'hex')

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`)
}

/** Whether 32 bytes encode a point in the only canonical way, and the point has not a small order. */
function isStrongPoint(encoded: Uint8Array): boolean {
  const y = BigInt.asUintN(255, littleEndian(encoded)) // the last bit is the sign of x
  return y < prime && !smallOrderY.has(y)
}

function keyObject(raw: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([spkiPrefix, raw]), format: 'der', type: 'spki' })
}

/**
 * Whether a key and a signature are in the form that verifyStrict() demands: S below the group order, A and R encoded
 * canonically and not of small order. OpenSSL refuses the others as well by now; which ones has differed by version, and
 * it is not to be the library that says who is trusted.
 */
export function isStrict(publicKey: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== publicKeyBytes || signature.length !== signatureBytes) return false
  const [r, s] = [signature.subarray(0, 32), signature.subarray(32)]
  return isStrongPoint(publicKey) && isStrongPoint(r) && littleEndian(s) < groupOrder
}

/**
 * Whether `signature` is a strict Ed25519 signature of `message`: isStrict(), and the equation holds without its cofactor.
 * Answers false for input of any other form; never throws. Blocks for the hash of the message.
 */
export function verifyStrict(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (!isStrict(publicKey, signature)) return false
  try {
    return verify(null, message, keyObject(publicKey), signature)
  } catch {
    return false // 32 bytes that are no point of the curve
  }
}

/** Whether 32 bytes may be a key of a trust store. Being on the curve is for verifyStrict to find out. */
export const isAcceptableKey = (raw: Uint8Array): boolean => raw.length === publicKeyBytes && isStrongPoint(raw)

/** The name of a key everywhere: hex SHA-256 of its 32 raw bytes, lower case. */
export const fingerprint = (raw: Uint8Array): string => createHash('sha256').update(raw).digest('hex')

const invalid = (sentence: string, cause?: unknown): RigError => new RigError('REQUEST_INVALID', sentence, { cause })

function rawFromPem(pem: string): Uint8Array {
  if (pem.includes('PRIVATE KEY')) {
    throw invalid('the key is a private key; give the public half, which `openssl pkey -pubout` prints')
  }
  let key: KeyObject
  try {
    key = createPublicKey(pem)
  } catch (cause) {
    throw invalid(`the key is not PEM of a public key (${(cause as Error).message})`, cause)
  }
  if (key.asymmetricKeyType !== 'ed25519') {
    throw invalid(`the key is of type ${key.asymmetricKeyType}; only ed25519 is trusted`)
  }
  return Uint8Array.from(key.export({ format: 'der', type: 'spki' }).subarray(spkiPrefix.length))
}

/**
 * The 32 raw bytes of a public key given as SPKI PEM or raw. Throws RigError REQUEST_INVALID for anything that
 * verifyStrict would never accept.
 */
export function parsePublicKey(key: string | Uint8Array): Uint8Array {
  const raw = typeof key === 'string' ? rawFromPem(key) : Uint8Array.from(key)
  if (raw.length !== publicKeyBytes) throw invalid(`the key has ${raw.length} bytes, not ${publicKeyBytes}`)
  if (!isStrongPoint(raw)) throw invalid('the key has a small order or is not encoded canonically; make a new one')
  return raw
}
