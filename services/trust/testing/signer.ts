import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { fingerprint, parsePublicKey } from '../ed25519.ts'
import type { TrustedKey, TrustLevel, TrustStore } from '../trust-store.ts'

/** Somebody who signs. */
export interface Signer {
  readonly privateKey: KeyObject
  /** The public half: PEM, and its 32 bytes. */
  readonly pem: string
  readonly raw: Uint8Array
  readonly fingerprint: string
}

export function newSigner(): Signer {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const pem = publicKey.export({ format: 'pem', type: 'spki' }).toString()
  const raw = parsePublicKey(pem)
  return { privateKey, pem, raw, fingerprint: fingerprint(raw) }
}

/** The key of a signer as a store has it. */
export function keyOf({ raw, fingerprint: print }: Pick<Signer, 'raw' | 'fingerprint'>, level: TrustLevel): TrustedKey {
  const notes = { identifier: 'dev', comment: '', reason: '', addedAt: '2024-01-15T10:30:00Z', userModifiable: true }
  return { raw, level, fingerprint: print, ...notes }
}

export const knowing = (...keys: readonly TrustedKey[]): TrustStore =>
  new Map(keys.map((key) => [key.fingerprint, key]))
