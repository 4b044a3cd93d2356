import { basename } from 'node:path'
import type { VerifyArtefactRequest } from '../../gen/proto/openracing/v1/trust.ts'
import { readTextFile } from '../../input/text-file.ts'
import { RigError } from '../../rpc/failure.ts'
import { type Bundle, type BundleFacts, type BundleFault, bundleFault, parseBundle } from './bundle.ts'
import { type Assessment, assessSignature, combine } from './proof.ts'
import type { TrustStore } from './trust-store.ts'

/** Largest envelope, bytes: a statement has 600, and each signature 200. */
const bundleMaxBytes = 64 * 1024

/** What the envelope of a plugin comes to. */
export interface BundleProof {
  /** Of all its signatures together; none without an envelope. */
  readonly assessments: readonly Assessment[]
  /** Why the plugin is refused in every mode, or null. */
  readonly fault: BundleFault | null
  /** What a trusted key says that the plugin's version is; empty where none does. */
  readonly version: string
}

function read(path: string): Bundle | BundleFault | null {
  try {
    const text = readTextFile(path, bundleMaxBytes, 'BUNDLE_INVALID')
    return text === null ? null : parseBundle(text, basename(path))
  } catch (cause) {
    if (cause instanceof RigError) return { code: 'BUNDLE_INVALID', detail: cause.detail }
    throw cause
  }
}

function factsOf({ bundle }: VerifyArtefactRequest, artefactSha256: string, nowMs: number): BundleFacts {
  const { artefact = '', manifest = '', manifestSha256 = '', pluginId = '', newestVersion = '' } = bundle ?? {}
  return {
    ...{ artefact, artefactSha256, pluginId, newestVersion, nowMs },
    manifest: manifest === '' ? null : { name: manifest, sha256: manifestSha256 },
  }
}

const missing = (detail: string): BundleFault => ({
  code: 'BUNDLE_MISSING',
  detail: `${detail}, and plugins.native.require_bundle_signature demands one by a trusted key`,
})

/** Reads the envelope of a plugin and judges it. Blocks on the disk. */
export function assessBundle(
  request: VerifyArtefactRequest,
  artefactSha256: string,
  keys: TrustStore,
  nowMs: number,
): BundleProof {
  const demanded = request.requireBundleSignature
  const path = request.bundle?.path ?? ''
  const found = path === '' ? null : read(path)
  if (found === null) {
    return { assessments: [], fault: demanded ? missing('it has no bundle signature') : null, version: '' }
  }
  if ('code' in found) return { assessments: [], fault: found, version: '' }
  const file = basename(path)
  const assessment = combine(found.signatures.map((one) => assessSignature(found.signed, { ...one, file }, keys)))
  const trusted = assessment.finding === 'trusted'
  const fault = bundleFault(found.statement, factsOf(request, artefactSha256, nowMs))
  return {
    assessments: [assessment],
    fault: fault ?? (demanded && !trusted ? missing(assessment.detail) : null),
    version: trusted ? found.statement.version : '',
  }
}
