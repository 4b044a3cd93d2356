import { z } from 'zod'
import { bytesOfBase64 } from '../../input/base64.ts'
import { type DocumentSource, parseJson } from '../../input/document.ts'
import { fingerprint, isAcceptableKey, publicKeyBytes } from './ed25519.ts'

export type TrustLevel = 'Trusted' | 'Unknown' | 'Distrusted'

/** A public key and what the operator thinks of it. */
export interface TrustedKey {
  readonly fingerprint: string
  /** 32 bytes. */
  readonly raw: Uint8Array
  readonly identifier: string
  readonly comment: string
  readonly level: TrustLevel
  /** RFC 3339. */
  readonly addedAt: string
  readonly reason: string
  /** False for system keys, which no call may change. */
  readonly userModifiable: boolean
}

/** By fingerprint, lower case. */
export type TrustStore = ReadonlyMap<string, TrustedKey>

/** Both spellings in use: an array of numbers, and base64. */
const keyBytes = z.unknown().transform((written, context): Uint8Array => {
  const bytes = typeof written === 'string' ? bytesOfBase64(written) : null
  if (bytes?.length === publicKeyBytes) return Uint8Array.from(bytes)
  const isByte = (value: unknown) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 255
  if (Array.isArray(written) && written.length === publicKeyBytes && written.every(isByte)) {
    return Uint8Array.from(written)
  }
  context.addIssue(`write the ${publicKeyBytes} raw key bytes as base64 or as a list of numbers`)
  return z.NEVER
})

/** Text that an operator may leave out. */
const note = z
  .string()
  .nullish()
  .transform((text) => text ?? '')

const entry = z.strictObject({
  public_key: z.strictObject({
    key_bytes: keyBytes.refine(isAcceptableKey, 'remove it: it has a small order or is not encoded canonically'),
    identifier: z.string(),
    comment: note,
  }),
  trust_level: z.enum(['Trusted', 'Unknown', 'Distrusted']),
  added_at: z.iso.datetime({ offset: true, error: 'write a time of RFC 3339, such as 2024-01-15T10:30:00Z' }),
  reason: note,
  user_modifiable: z.boolean(),
})

function complete(print: string, written: z.infer<typeof entry>): TrustedKey {
  return {
    fingerprint: print,
    raw: written.public_key.key_bytes,
    identifier: written.public_key.identifier,
    comment: written.public_key.comment,
    level: written.trust_level,
    addedAt: written.added_at,
    reason: written.reason,
    userModifiable: written.user_modifiable,
  }
}

const storeFile = z.record(z.string(), entry).transform((entries, context): readonly TrustedKey[] =>
  Object.entries(entries).map(([name, written]) => {
    const print = fingerprint(written.public_key.key_bytes)
    if (name !== print) {
      const message = `the fingerprint of its key is ${print}; somebody changed one of them, restore the file`
      context.addIssue({ code: 'custom', path: [name], message, input: entries })
    }
    return complete(print, written)
  }),
)

/** Reads the text of a `trust_store.json`. Throws RigError with the source's code when any part of it is not right. */
export function parseTrustStore(text: string, source: DocumentSource): TrustStore {
  return new Map(parseJson(text, storeFile, source).map((key) => [key.fingerprint, key]))
}

const written = (key: TrustedKey): z.input<typeof entry> => ({
  public_key: {
    key_bytes: Buffer.from(key.raw).toString('base64'),
    identifier: key.identifier,
    comment: key.comment,
  },
  trust_level: key.level,
  added_at: key.addedAt,
  reason: key.reason,
  user_modifiable: key.userModifiable,
})

/** By their fingerprints, as they are listed and written. */
export const inOrder = (keys: TrustStore): readonly TrustedKey[] =>
  [...keys.values()].sort((a, b) => (a.fingerprint < b.fingerprint ? -1 : 1))

/** The text that parseTrustStore() reads. */
export function formatTrustStore(keys: TrustStore): string {
  return `${JSON.stringify(Object.fromEntries(inOrder(keys).map((key) => [key.fingerprint, written(key)])), null, 2)}\n`
}
