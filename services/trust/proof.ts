import { onOneLine } from '../../input/one-line.ts'
import type { Artefact } from './artefact.ts'
import { verifyStrict } from './ed25519.ts'
import type { Finding } from './policy.ts'
import type { Proof, Signature } from './sidecar.ts'
import type { TrustedKey, TrustLevel, TrustStore } from './trust-store.ts'

/** What a proof, or all proofs of an artefact together, come to. */
export interface Assessment {
  readonly finding: Finding
  /** Half a sentence for the operator. */
  readonly detail: string
  /** Of the key that it is about; null where it is about none. */
  readonly fingerprint: string | null
}

const findingOf: Readonly<Record<TrustLevel, Finding>> = {
  Trusted: 'trusted',
  Unknown: 'unknown key',
  Distrusted: 'distrusted',
}

const opinionOf: Readonly<Record<TrustLevel, string>> = {
  Trusted: 'is trusted',
  Unknown: 'is not trusted',
  Distrusted: 'is distrusted',
}

/** Who wrote the store by hand may have written anything. */
const named = (key: TrustedKey): string => `${onOneLine(key.identifier) || 'a key'} (${key.fingerprint})`

function assessedBy(key: TrustedKey, signature: Proof): Assessment {
  const finding = findingOf[key.level]
  const detail = `${signature.file} is a signature by ${named(key)}, which ${opinionOf[key.level]}`
  return { finding, detail, fingerprint: key.fingerprint }
}

/** What was signed by a key, judged by the keys that this rig knows now. */
export function assessKey(fingerprint: string, store: TrustStore): Assessment {
  const key = store.get(fingerprint)
  if (key === undefined) {
    const detail = `it was signed by the key ${fingerprint}, which is not in the trust store any more`
    return { finding: 'unknown key', detail, fingerprint }
  }
  const why = key.reason === '' ? '' : ` (${onOneLine(key.reason)})`
  const detail = `it was signed by ${named(key)}, which ${opinionOf[key.level]}${why}`
  return { finding: findingOf[key.level], detail, fingerprint }
}

/** What a signature of an artefact is over. */
export const signedMessage = ({ bytes, sha256 }: Artefact, { over }: Signature): Uint8Array =>
  over === 'sha256' ? Buffer.from(sha256, 'hex') : bytes

/** Half a sentence, where a signature says that the artefact is what it is not. */
export function claimFault({ bytes, sha256 }: Artefact, { claim, file }: Signature): string | undefined {
  if (claim === null || (claim.bytes === bytes.length && claim.sha256 === sha256)) return undefined
  return `${file} is about ${claim.bytes} bytes with the SHA-256 ${claim.sha256}, and these are ${bytes.length} with ${sha256}`
}

/** One signature of an artefact, judged by the keys that this rig knows. */
export function assessSignature(artefact: Artefact, signature: Signature, store: TrustStore): Assessment {
  const fault = claimFault(artefact, signature)
  if (fault !== undefined) return { finding: 'bad proof', detail: fault, fingerprint: null }
  return assessProof(signedMessage(artefact, signature), signature, store)
}

/** One signature of a message, judged by the keys that this rig knows. */
export function assessProof(message: Uint8Array, signature: Proof, store: TrustStore): Assessment {
  const isBy = (key: TrustedKey): boolean => verifyStrict(key.raw, message, signature.bytes)
  if (signature.fingerprint === null) {
    const key = [...store.values()].find(isBy)
    if (key !== undefined) return assessedBy(key, signature)
    const detail = `${signature.file} is a signature by no key of the trust store`
    return { finding: 'bad proof', detail, fingerprint: null }
  }
  const key = store.get(signature.fingerprint)
  if (key === undefined) {
    const detail = `${signature.file} names the key ${signature.fingerprint}, which is not in the trust store`
    return { finding: 'unknown key', detail, fingerprint: signature.fingerprint }
  }
  if (isBy(key)) return assessedBy(key, signature)
  const detail = `${signature.file} is not a signature of these bytes by ${named(key)}`
  return { finding: 'bad proof', detail, fingerprint: null }
}

/** Worst first; an unknown key takes nothing away from a signature by a trusted one. */
const order: readonly Finding[] = ['bad proof', 'distrusted', 'trusted', 'unknown key', 'unsigned']

/** All that is said about one artefact: anything that is wrong outweighs anything that is right. */
export function combine(assessments: readonly Assessment[]): Assessment {
  const none: Assessment = { finding: 'unsigned', detail: 'it has no signature', fingerprint: null }
  return (
    order.map((finding) => assessments.find((one) => one.finding === finding)).find((one) => one !== undefined) ?? none
  )
}
