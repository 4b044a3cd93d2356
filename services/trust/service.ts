import type { Logger } from 'pino'
import {
  Decision,
  Finding,
  type Key,
  type ListKeysResponse,
  TrustLevel,
  type TrustServiceServer,
  type VerifyArtefactRequest,
  type VerifyArtefactResponse,
} from '../../gen/proto/openracing/v1/trust.ts'
import { RigError } from '../../rpc/failure.ts'
import { unary } from '../../rpc/unary.ts'
import { readArtefact } from './artefact.ts'
import type { ContentStore } from './content-store.ts'
import { decide, type Decision as PolicyDecision, type Finding as PolicyFinding } from './policy.ts'
import { type Assessment, assessSignature, combine } from './proof.ts'
import { readSidecars, type Signature, signatureFromBase64 } from './sidecar.ts'
import { readTrustStore, type TrustLevel as StoreLevel, type TrustedKey, type TrustStore } from './trust-store.ts'

const findingOf: Readonly<Record<PolicyFinding, Finding>> = {
  unsigned: Finding.FINDING_UNSIGNED,
  'bad proof': Finding.FINDING_BAD_PROOF,
  'unknown key': Finding.FINDING_UNKNOWN_KEY,
  distrusted: Finding.FINDING_DISTRUSTED,
  trusted: Finding.FINDING_TRUSTED,
}

const decisionOf: Readonly<Record<PolicyDecision, Decision>> = {
  load: Decision.DECISION_LOAD,
  'load with warning': Decision.DECISION_LOAD_WITH_WARNING,
  refuse: Decision.DECISION_REFUSE,
}

const levelOf: Readonly<Record<StoreLevel, TrustLevel>> = {
  Trusted: TrustLevel.TRUST_LEVEL_TRUSTED,
  Unknown: TrustLevel.TRUST_LEVEL_UNKNOWN,
  Distrusted: TrustLevel.TRUST_LEVEL_DISTRUSTED,
}

/** The keys that count now, and why there are none where the store cannot be read. */
interface KeysNow {
  readonly keys: TrustStore
  readonly problem: string | null
}

// Read for every call: a key that is distrusted must count from the next call on, and the file is small.
function keysNow(file: string, log: Logger): KeysNow {
  try {
    return { keys: readTrustStore(file), problem: null }
  } catch (cause) {
    if (!(cause instanceof RigError)) throw cause
    log.error({ reason: cause.detail }, 'the trust store cannot be read; nobody is trusted')
    return { keys: new Map(), problem: cause.detail }
  }
}

/** The manifest's own signature, which is there when it is not empty. */
function assessManifest(request: VerifyArtefactRequest, bytes: Uint8Array, keys: TrustStore): Assessment[] {
  if (request.manifestSignature === '') return []
  const file = 'the signature in its manifest'
  const signature = signatureFromBase64(request.manifestSignature)
  if (signature === null) return [{ finding: 'bad proof', detail: `${file} is not base64 of 64 bytes` }]
  const fingerprint = request.manifestSignerFingerprint.toLowerCase() || null
  return [assessSignature(bytes, { file, bytes: signature, fingerprint }, keys)]
}

function assess(request: VerifyArtefactRequest, bytes: Uint8Array, keys: TrustStore): Assessment {
  const sidecars = readSidecars(request.path)
  if (sidecars.kind === 'bad') return { finding: 'bad proof', detail: sidecars.sentence }
  const beside = sidecars.signatures.map((signature: Signature) => assessSignature(bytes, signature, keys))
  return combine([...beside, ...assessManifest(request, bytes, keys)])
}

const keyMessage = (key: TrustedKey): Key => ({
  fingerprint: key.fingerprint,
  identifier: key.identifier,
  comment: key.comment,
  trustLevel: levelOf[key.level],
  addedAt: key.addedAt,
  reason: key.reason,
  userModifiable: key.userModifiable,
})

/** What the trust service needs: the file with its keys, and where verified copies go. */
export interface TrustNeeds {
  readonly trustStore: string
  readonly contents: ContentStore
  readonly log: Logger
}

async function verifyArtefact(request: VerifyArtefactRequest, needs: TrustNeeds): Promise<VerifyArtefactResponse> {
  const artefact = await readArtefact(request.path)
  const { keys, problem } = keysNow(needs.trustStore, needs.log)
  const { finding, detail } = assess(request, artefact.bytes, keys)
  const { decision, consequence } = decide(finding, request)
  const nobody = problem === null ? '' : ` (nobody is trusted, because the trust store is of no use: ${problem})`
  const reason = `${request.path}: ${detail}${nobody}; ${consequence}`
  const verifiedPath = decision === 'refuse' ? '' : await needs.contents.put(artefact)
  needs.log.info({ path: request.path, sha256: artefact.sha256, finding, decision, reason }, 'artefact judged')
  return { finding: findingOf[finding], decision: decisionOf[decision], reason, sha256: artefact.sha256, verifiedPath }
}

function listKeys(file: string): ListKeysResponse {
  const keys = [...readTrustStore(file).values()]
  return { keys: keys.map(keyMessage).sort((a, b) => (a.fingerprint < b.fingerprint ? -1 : 1)) }
}

/** The handlers of TrustService. A refusal is an answer; what cannot be judged at all is a RigError. */
export function trustHandlers(needs: TrustNeeds): TrustServiceServer {
  return {
    verifyArtefact: unary((request) => verifyArtefact(request, needs), needs.log),
    listKeys: unary(() => listKeys(needs.trustStore), needs.log),
  }
}
