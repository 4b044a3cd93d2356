import { basename, join } from 'node:path'
import type { VerifyArtefactRequest } from '../../gen/proto/openracing/v1/trust.ts'
import { RigError } from '../../rpc/failure.ts'
import { readBeside } from './beside.ts'
import {
  type Bundle,
  type BundleFacts,
  type BundleFault,
  bundleFault,
  bundleFile,
  bundleMaxBytes,
  parseBundle,
} from './bundle.ts'
import { type Assessment, assessProof, combine } from './proof.ts'
import type { TrustStore } from './trust-store.ts'

/** What the envelope of a plugin comes to. */
export interface BundleProof {
  /** Of each of its signatures; none without an envelope. */
  readonly assessments: readonly Assessment[]
  /** Why the plugin is refused in every mode, or null. */
  readonly fault: BundleFault | null
  /** What a trusted key says that the plugin's version is; empty where none does. */
  readonly version: string
}

function read(path: string): Bundle | BundleFault | null {
  try {
    const text = readBeside(path, bundleMaxBytes, 'BUNDLE_INVALID')
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

/** What is wrong with a bundle by who signed it, where one by a trusted key is demanded; null when nothing is. */
export function missingBundle(assessments: readonly Assessment[], demanded: boolean): BundleFault | null {
  const { finding, detail } = combine(assessments)
  if (!demanded || finding === 'trusted') return null
  const what = assessments.length === 0 ? 'it has no bundle signature' : detail
  return {
    code: 'BUNDLE_MISSING',
    detail: `${what}, and plugins.native.require_bundle_signature demands one by a trusted key`,
  }
}

/** Reads the envelope of a plugin and judges it. Blocks on the disk. */
export function assessBundle(
  request: VerifyArtefactRequest,
  artefactSha256: string,
  keys: TrustStore,
  nowMs: number,
): BundleProof {
  const directory = request.bundle?.directory ?? ''
  const found = directory === '' ? null : read(join(directory, bundleFile))
  const demanded = request.requireBundleSignature
  if (found === null) return { assessments: [], fault: missingBundle([], demanded), version: '' }
  if ('code' in found) return { assessments: [], fault: found, version: '' }
  const assessments = found.signatures.map((one) => assessProof(found.signed, { ...one, file: bundleFile }, keys))
  const fault = bundleFault(found.statement, factsOf(request, artefactSha256, nowMs))
  return {
    assessments,
    fault: fault ?? missingBundle(assessments, demanded),
    version: combine(assessments).finding === 'trusted' ? found.statement.version : '',
  }
}
