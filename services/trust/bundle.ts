import compare from 'semver/functions/compare.js'
import valid from 'semver/functions/valid.js'
import { z } from 'zod'
import { bytesOfBase64 } from '../../input/base64.ts'
import { parseJson } from '../../input/document.ts'
import { onOneLine } from '../../input/one-line.ts'
import { type FailureCode, RigError } from '../../rpc/failure.ts'
import { signatureBytes } from './ed25519.ts'
import type { Proof } from './sidecar.ts'

/** The name of the envelope, in the directory of the plugin. */
export const bundleFile = 'plugin.sig.json'

/** Of a DSSE envelope that holds an in-toto statement; of that statement, version 1; and of what ours says. */
const payloadType = 'application/vnd.in-toto+json'
const statementType = 'https://in-toto.io/Statement/v1'
const predicateType = 'urn:openracing:plugin:v1'

/** Largest envelope, bytes: a statement has 600, and each signature 200. */
export const bundleMaxBytes = 64 * 1024

/** More signatures than a plugin has authors. */
const signaturesMax = 16

const hexSha256 = z
  .string()
  .regex(/^[0-9a-f]{64}$/i, 'write a SHA-256 as 64 hex digits')
  .toLowerCase()

/** What somebody signed about a plugin. */
export interface BundleStatement {
  /** SHA-256 by name: the manifest's file, and the artefact as the manifest names it. */
  readonly digests: ReadonlyMap<string, string>
  readonly pluginId: string
  /** A semantic version; empty for a plugin that has none. */
  readonly version: string
  /** Valid until then, ms since 1970; null: without end. */
  readonly expiresMs: number | null
}

/** A signature of an envelope. */
export type EnvelopeSignature = Pick<Proof, 'bytes' | 'fingerprint'>

export interface Bundle {
  readonly statement: BundleStatement
  /** The bytes that the signatures are over. */
  readonly signed: Uint8Array
  readonly signatures: readonly EnvelopeSignature[]
}

const base64 = z.string().transform((text, context): Uint8Array => {
  const bytes = bytesOfBase64(text)
  if (bytes !== null) return bytes
  context.addIssue('sign the plugin again: this is not base64 of any bytes')
  return z.NEVER
})

// Readers of either format have to ignore keys that they do not know.
const envelopeFile = z.looseObject({
  payloadType: z.literal(payloadType),
  payload: base64,
  signatures: z
    .array(z.looseObject({ keyid: hexSha256.nullish(), sig: base64 }))
    .min(1, 'write at least one signature')
    .max(signaturesMax, `write at most ${signaturesMax} signatures`),
})

const statementFile = z.looseObject({
  _type: z.literal(statementType),
  subject: z
    .array(z.looseObject({ name: z.string(), digest: z.looseObject({ sha256: hexSha256 }) }))
    .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, 'name each file once'),
  predicateType: z.literal(predicateType),
  predicate: z.strictObject({
    plugin_id: z.string(),
    version: z
      .string()
      .refine((text) => text === '' || valid(text) !== null, 'write a semantic version, such as 1.0.0'),
    expires: z.iso
      .datetime({ offset: true, error: 'write a time of RFC 3339, such as 2027-01-15T10:30:00Z' })
      .nullish(),
  }),
})

/** The bytes that are signed: DSSE v1, "PAE". The type is under the signature, so that nothing can be taken for another. */
export function preAuthEncoding(payload: Uint8Array): Uint8Array {
  const head = `DSSEv1 ${payloadType.length} ${payloadType} ${payload.length} `
  return Buffer.concat([Buffer.from(head), payload])
}

function readStatement(payload: Buffer, file: string): BundleStatement {
  const text = new TextDecoder('utf-8', { fatal: true }).decode(payload)
  const source = { file: `the payload of ${file}`, code: 'BUNDLE_INVALID' } as const
  const { subject, predicate } = parseJson(text, statementFile, source)
  return {
    digests: new Map(subject.map(({ name, digest }) => [name, digest.sha256])),
    pluginId: predicate.plugin_id,
    version: predicate.version,
    expiresMs: predicate.expires ? Date.parse(predicate.expires) : null,
  }
}

/** Reads the text of an envelope. Nothing of it is to be believed before a signature is verified. Throws BUNDLE_INVALID. */
export function parseBundle(text: string, file: string): Bundle {
  const { payload: bytes, signatures } = parseJson(text, envelopeFile, { file, code: 'BUNDLE_INVALID' })
  const payload = Buffer.from(bytes as Uint8Array)
  const invalid = (what: string): RigError => new RigError('BUNDLE_INVALID', `${file} ${what}; sign the plugin again`)
  const read = signatures.map(({ keyid, sig }) => ({ bytes: sig as Uint8Array, fingerprint: keyid ?? null }))
  const wrong = read.find(({ bytes }) => bytes.length !== signatureBytes)
  if (wrong !== undefined) throw invalid(`has a signature of ${wrong.bytes.length} bytes, not ${signatureBytes}`)
  try {
    return { statement: readStatement(payload, file), signed: preAuthEncoding(payload), signatures: read }
  } catch (cause) {
    if (cause instanceof TypeError) throw invalid('has a payload that is not UTF-8 text')
    throw cause
  }
}

/** The plugin as it is here. */
export interface BundleFacts {
  /** As the manifest names it, and its SHA-256. */
  readonly artefact: string
  readonly artefactSha256: string
  /** Its file; null for a plugin that has none. */
  readonly manifest: { readonly name: string; readonly sha256: string } | null
  readonly pluginId: string
  /** The newest version that ran on the word of a bundle; empty: none. */
  readonly newestVersion: string
  /** Wall clock, ms since 1970. */
  readonly nowMs: number
}

/** Why a plugin is not what was signed, or not any more. */
export interface BundleFault {
  readonly code: FailureCode
  /** Half a sentence about the plugin. */
  readonly detail: string
}

function digestFault(statement: BundleStatement, facts: BundleFacts): BundleFault | undefined {
  const { artefact, artefactSha256, manifest } = facts
  const about = [
    { name: artefact, sha256: artefactSha256, what: 'the artefact', code: 'BUNDLE_ARTEFACT_SUBSTITUTED' as const },
    ...(manifest === null ? [] : [{ ...manifest, what: 'the manifest', code: 'BUNDLE_MANIFEST_CHANGED' as const }]),
  ]
  for (const { name, sha256, what, code } of about) {
    const signed = statement.digests.get(name)
    if (signed === undefined) return { code: 'BUNDLE_INVALID', detail: `what was signed says nothing of ${name}` }
    if (signed !== sha256)
      return { code, detail: `${what} ${name} has the SHA-256 ${sha256}, and ${signed} was signed` }
  }
  return undefined
}

/** What is wrong with a plugin by its bundle; undefined when nothing is. The signature is another question. */
export function bundleFault(statement: BundleStatement, facts: BundleFacts): BundleFault | undefined {
  const { pluginId, version, expiresMs } = statement
  if (pluginId !== facts.pluginId) {
    const detail = `what was signed is about the plugin ${onOneLine(JSON.stringify(pluginId.slice(0, 80)))}, and this is ${facts.pluginId}`
    return { code: 'BUNDLE_INVALID', detail }
  }
  const fault = digestFault(statement, facts)
  if (fault !== undefined) return fault
  if (expiresMs !== null && facts.nowMs >= expiresMs) {
    return { code: 'BUNDLE_EXPIRED', detail: `what was signed was valid until ${new Date(expiresMs).toISOString()}` }
  }
  const { newestVersion } = facts
  if (newestVersion === '' || version === '' || compare(version, newestVersion) >= 0) return undefined
  const detail = `version ${version} is older than ${newestVersion}, which this rig has run`
  return { code: 'BUNDLE_ROLLBACK', detail }
}

/** The bytes of a statement, to be signed as preAuthEncoding() has them. */
export function statementPayload({ digests, pluginId, version, expiresMs }: BundleStatement): Buffer {
  const written: z.input<typeof statementFile> = {
    _type: statementType,
    subject: [...digests].map(([name, sha256]) => ({ name, digest: { sha256 } })),
    predicateType,
    predicate: {
      plugin_id: pluginId,
      version,
      ...(expiresMs === null ? {} : { expires: new Date(expiresMs).toISOString() }),
    },
  }
  return Buffer.from(JSON.stringify(written))
}

/** The text that parseBundle() reads. */
export function formatBundle(payload: Uint8Array, signatures: readonly EnvelopeSignature[]): string {
  const written: z.input<typeof envelopeFile> = {
    payloadType,
    payload: Buffer.from(payload).toString('base64'),
    signatures: signatures.map(({ bytes, fingerprint }) => ({
      keyid: fingerprint,
      sig: Buffer.from(bytes).toString('base64'),
    })),
  }
  return `${JSON.stringify(written, null, 2)}\n`
}
