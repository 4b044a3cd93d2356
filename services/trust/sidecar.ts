import { basename, dirname, join, parse } from 'node:path'
import { z } from 'zod'
import { parseJson } from '../../input/document.ts'
import { readTextFile } from '../../input/text-file.ts'
import { RigError } from '../../rpc/failure.ts'
import { signatureBytes } from './ed25519.ts'

/** Largest sidecar, bytes: sixteen times one with a comment of a page. */
const sidecarMaxBytes = 64 * 1024

/** A detached signature over the bytes of an artefact, from wherever it was written. */
export interface Signature {
  /** Where it was found, as messages name it: the file beside the artefact, or the manifest. */
  readonly file: string
  /** 64 bytes. */
  readonly bytes: Uint8Array
  /** Which key made it, lower case hex; null when it does not say. */
  readonly fingerprint: string | null
}

/** What was found beside an artefact: signatures, or the sentence that says what is wrong with them. */
export type SidecarAnswer =
  | { readonly kind: 'signatures'; readonly signatures: readonly Signature[] }
  | { readonly kind: 'bad'; readonly sentence: string }

/** The 64 bytes that base64 stands for, or null when it does not stand for 64 bytes. */
export function signatureFromBase64(text: string): Uint8Array | null {
  const bytes = Uint8Array.from(Buffer.from(text, 'base64'))
  return /^[A-Za-z0-9+/]{86}==$/.test(text) && bytes.length === signatureBytes ? bytes : null
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
export function formatSidecar({ bytes, fingerprint }: Signature, { signer, timestamp, comment }: SignerNotes): string {
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

/** Where the sidecar of an artefact may be: `<file>.sig`, then `<stem>.sig`. */
export function sidecarPaths(artefact: string): readonly string[] {
  const stem = join(dirname(artefact), parse(artefact).name)
  return [...new Set([`${artefact}.sig`, `${stem}.sig`])].filter((path) => path !== artefact)
}

/** One sidecar, or null where there is none. Throws PLUGIN_UNTRUSTED for one that is none. */
export function readSidecar(file: string): Signature | null {
  const text = readTextFile(file, sidecarMaxBytes, 'PLUGIN_UNTRUSTED')
  if (text === null) return null
  const written = parseJson(text, sidecarFile, { file, code: 'PLUGIN_UNTRUSTED' })
  return { file: basename(file), bytes: written.signature, fingerprint: written.key_fingerprint }
}

/** Whether two say the same. */
export const isSameSignature = (a: Signature, b: Signature): boolean =>
  a.fingerprint === b.fingerprint && Buffer.from(a.bytes).equals(b.bytes)

/** Reads what is beside an artefact. A sidecar that is there and cannot be read is bad, not absent. */
export function readSidecars(artefact: string): SidecarAnswer {
  try {
    const found = sidecarPaths(artefact).map(readSidecar)
    const [first, second] = found.filter((signature) => signature !== null)
    if (first !== undefined && second !== undefined && !isSameSignature(first, second)) {
      const sentence = `${first.file} and ${second.file} do not say the same; remove the one that is old`
      return { kind: 'bad', sentence }
    }
    return { kind: 'signatures', signatures: first === undefined ? [] : [first] }
  } catch (cause) {
    if (cause instanceof RigError) return { kind: 'bad', sentence: cause.detail }
    throw cause
  }
}
