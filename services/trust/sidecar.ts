import { basename, dirname, join, parse } from 'node:path'
import { z } from 'zod'
import { bytesOfBase64 } from '../../input/base64.ts'
import { parseJson } from '../../input/document.ts'
import { RigError } from '../../rpc/failure.ts'
import { readBeside } from './beside.ts'
import { fingerprint, isAcceptableKey, publicKeyBytes, signatureBytes } from './ed25519.ts'

/** Largest sidecar, bytes: sixteen times one with a comment of a page. */
const sidecarMaxBytes = 64 * 1024

/** A signature, and by whom, from wherever it was written. */
export interface Proof {
  /** Where it was found, as messages name it: the file beside the artefact, or the manifest. */
  readonly file: string
  /** 64 bytes. */
  readonly bytes: Uint8Array
  /** Which key made it, lower case hex; null when it does not say. */
  readonly fingerprint: string | null
}

/** A signature of an artefact. */
export interface Signature extends Proof {
  /** What is signed: the artefact's bytes, or the 32 bytes of their SHA-256. */
  readonly over: 'bytes' | 'sha256'
  /** What it says that the artefact is, which has to be so; null where it says nothing. */
  readonly claim: { readonly sha256: string; readonly bytes: number } | null
}

/** A signature over the artefact's bytes, which says nothing else. */
export const plainSignature = (proof: Proof): Signature => ({
  ...proof,
  over: 'bytes',
  claim: null,
})

/** What was found beside an artefact: signatures, or the sentence that says what is wrong with them. */
export type SidecarAnswer =
  | { readonly kind: 'signatures'; readonly signatures: readonly Signature[] }
  | { readonly kind: 'bad'; readonly sentence: string }

/** The 64 bytes that base64 stands for, or null when it does not stand for 64 bytes. */
export function signatureFromBase64(text: string): Uint8Array | null {
  const bytes = bytesOfBase64(text)
  return bytes?.length === signatureBytes ? Uint8Array.from(bytes) : null
}

const sidecarFile = z.strictObject({
  signature: z.string().transform((text, context): Uint8Array => {
    const bytes = signatureFromBase64(text)
    if (bytes !== null) return bytes
    context.addIssue('sign the artefact again: this is not base64 of 64 bytes')
    return z.NEVER
  }),
  key_fingerprint: z
    .string()
    .regex(/^[0-9a-f]{64}$/i, 'write the SHA-256 of the 32 raw key bytes as 64 hex digits')
    .toLowerCase(),
  // The rest is for people. It is not under the signature, so nothing is decided by it.
  signer: z.string(),
  timestamp: z.iso.datetime({ offset: true, error: 'write a time of RFC 3339, such as 2024-01-15T10:30:00Z' }),
  content_type: z.literal('Plugin'),
  comment: z.string().nullish(),
})

/** What is in a sidecar for people. */
export interface SignerNotes {
  readonly signer: string
  /** RFC 3339. */
  readonly timestamp: string
  readonly comment: string | undefined
}

/** The text that readSidecar() reads. */
export function formatSidecar(
  { bytes, fingerprint }: Pick<Proof, 'bytes' | 'fingerprint'>,
  { signer, timestamp, comment }: SignerNotes,
): string {
  const written: z.input<typeof sidecarFile> = {
    signature: Buffer.from(bytes).toString('base64'),
    key_fingerprint: fingerprint ?? '',
    signer,
    timestamp,
    content_type: 'Plugin',
    ...(comment === undefined ? {} : { comment }),
  }
  return `${JSON.stringify(written, null, 2)}\n`
}

const hexBytes = (count: number, what: string) =>
  z
    .string()
    .regex(new RegExp(`^[0-9a-f]{${2 * count}}$`, 'i'), `write ${what} as ${2 * count} hex digits`)
    .transform((text) => Uint8Array.from(Buffer.from(text, 'hex')))

/** `x.wasm.sig` as MIDIMon's tool writes it: everything in hex, and the key itself in place of its fingerprint. */
const midimonFile = z.strictObject({
  version: z.literal(1),
  algorithm: z.literal('Ed25519'),
  plugin_hash: hexBytes(32, 'the SHA-256 of the module'),
  plugin_size: z.int().nonnegative(),
  public_key: hexBytes(publicKeyBytes, 'the raw public key').refine(
    isAcceptableKey,
    'sign with another key: this one has a small order or is not encoded canonically',
  ),
  signature: hexBytes(signatureBytes, 'the signature'),
  // For people, as above.
  signed_at: z.iso.datetime({ offset: true, error: 'write a time of RFC 3339, such as 2025-11-19T08:59:12Z' }),
  developer: z.looseObject({ name: z.string(), email: z.string().nullish() }),
})

/** Whichever of the two it is: only MIDIMon's says which algorithm. */
const isMidimon = (text: string): boolean => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && Object.hasOwn(value, 'algorithm')
  } catch {
    return false // told by whoever reads it as the other
  }
}

function parseMidimon(text: string, file: string): Signature {
  const said = parseJson(text, midimonFile, { file, code: 'PLUGIN_UNTRUSTED' })
  return {
    ...{ file: basename(file), bytes: said.signature as Uint8Array, over: 'sha256' },
    fingerprint: fingerprint(said.public_key as Uint8Array),
    claim: { sha256: Buffer.from(said.plugin_hash as Uint8Array).toString('hex'), bytes: said.plugin_size },
  }
}

/** Where the sidecar of an artefact may be: `<file>.sig`, then `<stem>.sig`. */
export function sidecarPaths(artefact: string): readonly string[] {
  const stem = join(dirname(artefact), parse(artefact).name)
  return [...new Set([`${artefact}.sig`, `${stem}.sig`])].filter((path) => path !== artefact)
}

/** One sidecar, or null where there is none. Throws PLUGIN_UNTRUSTED for one that is none. */
export function readSidecar(file: string): Signature | null {
  const text = readBeside(file, sidecarMaxBytes, 'PLUGIN_UNTRUSTED')
  if (text === null) return null
  if (isMidimon(text)) return parseMidimon(text, file)
  const written = parseJson(text, sidecarFile, { file, code: 'PLUGIN_UNTRUSTED' })
  return plainSignature({ file: basename(file), bytes: written.signature, fingerprint: written.key_fingerprint })
}

/** Whether two say the same. */
export const isSameSignature = (a: Signature, b: Signature): boolean =>
  a.fingerprint === b.fingerprint && Buffer.from(a.bytes).equals(b.bytes)

/** Reads what is beside an artefact. A sidecar that is there and cannot be read is bad, not absent. */
export function readSidecars(artefact: string): SidecarAnswer {
  try {
    const found = sidecarPaths(artefact).map(readSidecar)
    const signatures = found.filter((signature) => signature !== null)
    const [first, second] = signatures
    if (first === undefined || second === undefined) return { kind: 'signatures', signatures }
    if (isSameSignature(first, second)) return { kind: 'signatures', signatures: [first] }
    // One of each kind by one key: the same word in two ways, and both have to hold.
    if (first.over !== second.over && first.fingerprint === second.fingerprint)
      return { kind: 'signatures', signatures }
    const sentence = `${first.file} and ${second.file} do not say the same; remove the one that is old`
    return { kind: 'bad', sentence }
  } catch (cause) {
    if (cause instanceof RigError) return { kind: 'bad', sentence: cause.detail }
    throw cause
  }
}
