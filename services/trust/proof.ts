import { verifyStrict } from './ed25519.ts'
import type { Finding } from './policy.ts'
import type { Signature } from './sidecar.ts'
import type { TrustedKey, TrustLevel, TrustStore } from './trust-store.ts'

/** What a proof, or all proofs of an artefact together, come to. */
export interface Assessment {
  readonly finding: Finding
  /** Half a sentence for the operator. */
  readonly detail: string
}

const findingOf: Readonly<Record<TrustLevel, Finding>> = {
  Trusted: 'trusted',
  Unknown: 'unknown key',
  Distrusted: 'distrusted',
}

const named = (key: TrustedKey): string => `${key.identifier || 'a key'} (${key.fingerprint})`

function assessedBy(key: TrustedKey, signature: Signature): Assessment {
  const finding = findingOf[key.level]
  const opinion = { Trusted: 'is trusted', Unknown: 'is not trusted', Distrusted: 'is distrusted' }[key.level]
  return { finding, detail: `${signature.file} is a signature by ${named(key)}, which ${opinion}` }
}

/** One signature of the artefact's bytes, judged by the keys that this rig knows. */
export function assessSignature(artefact: Uint8Array, signature: Signature, store: TrustStore): Assessment {
  const isBy = (key: TrustedKey): boolean => verifyStrict(key.raw, artefact, signature.bytes)
  if (signature.fingerprint === null) {
    const key = [...store.values()].find(isBy)
    if (key !== undefined) return assessedBy(key, signature)
    return { finding: 'bad proof', detail: `${signature.file} is a signature by no key of the trust store` }
  }
  const key = store.get(signature.fingerprint)
  if (key === undefined) {
    const detail = `${signature.file} names the key ${signature.fingerprint}, which is not in the trust store`
    return { finding: 'unknown key', detail }
  }
  if (isBy(key)) return assessedBy(key, signature)
  return { finding: 'bad proof', detail: `${signature.file} is not a signature of these bytes by ${named(key)}` }
}

/** Worst first; an unknown key takes nothing away from a signature by a trusted one. */
const order: readonly Finding[] = ['bad proof', 'distrusted', 'trusted', 'unknown key', 'unsigned']

/** All that is said about one artefact: anything that is wrong outweighs anything that is right. */
export function combine(assessments: readonly Assessment[]): Assessment {
  const none: Assessment = { finding: 'unsigned', detail: 'it has no signature' }
  return (
    order.map((finding) => assessments.find((one) => one.finding === finding)).find((one) => one !== undefined) ?? none
  )
}
