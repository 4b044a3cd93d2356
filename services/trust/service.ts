import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import {
  Decision,
  Finding,
  type JudgeKeyRequest,
  type JudgeKeyResponse,
  type TrustServiceServer,
  type VerifyArtefactRequest,
  type VerifyArtefactResponse,
  type WatchKeysResponse,
} from '../../gen/proto/openracing/v1/trust.ts'
import { RigError } from '../../rpc/failure.ts'
import { serverStream } from '../../rpc/streaming.ts'
import { unary } from '../../rpc/unary.ts'
import { readArtefact } from './artefact.ts'
import type { ContentStore } from './content-store.ts'
import { keyMessage } from './key-service.ts'
import { decide, type Decision as PolicyDecision, type Finding as PolicyFinding } from './policy.ts'
import { type Assessment, assessKey, assessSignature, combine } from './proof.ts'
import { readSidecars, type Signature, signatureFromBase64 } from './sidecar.ts'
import type { TrustFile } from './trust-file.ts'
import { inOrder, type TrustStore } from './trust-store.ts'

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

/** How often the file of the keys is looked at, ms: whoever edits it by hand tells nobody. */
const watchEveryMs = 200

/** The keys that count now, and why there are none where the store cannot be read. */
interface KeysNow {
  readonly keys: TrustStore
  readonly problem: string | null
}

// Read for every call: a key that is distrusted must count from the next call on, and the file is small.
function keysNow(file: Pick<TrustFile, 'read'>, log: Logger): KeysNow {
  try {
    return { keys: file.read(), problem: null }
  } catch (cause) {
    if (!(cause instanceof RigError)) throw cause
    log.error({ reason: cause.detail }, 'the trust store cannot be read; nobody is trusted')
    return { keys: new Map(), problem: cause.detail }
  }
}

const badProof = (detail: string): Assessment => ({ finding: 'bad proof', detail, fingerprint: null })

/** The manifest's own signature, which is there when it is not empty. */
function assessManifest(request: VerifyArtefactRequest, bytes: Uint8Array, keys: TrustStore): Assessment[] {
  if (request.manifestSignature === '') return []
  const file = 'the signature in its manifest'
  const signature = signatureFromBase64(request.manifestSignature)
  if (signature === null) return [badProof(`${file} is not base64 of 64 bytes`)]
  const fingerprint = request.manifestSignerFingerprint.toLowerCase() || null
  return [assessSignature(bytes, { file, bytes: signature, fingerprint }, keys)]
}

function assess(request: VerifyArtefactRequest, bytes: Uint8Array, keys: TrustStore): Assessment {
  const sidecars = readSidecars(request.path)
  if (sidecars.kind === 'bad') return badProof(sidecars.sentence)
  const beside = sidecars.signatures.map((signature: Signature) => assessSignature(bytes, signature, keys))
  return combine([...beside, ...assessManifest(request, bytes, keys)])
}

/** What the trust service needs: its keys, and where verified copies go. */
export interface TrustNeeds {
  readonly keys: Pick<TrustFile, 'read' | 'stamp'>
  readonly contents: ContentStore
  readonly log: Logger
}

const nobody = (problem: string | null): string =>
  problem === null ? '' : ` (nobody is trusted, because the trust store is of no use: ${problem})`

async function verifyArtefact(request: VerifyArtefactRequest, needs: TrustNeeds): Promise<VerifyArtefactResponse> {
  const artefact = await readArtefact(request.path)
  const { keys, problem } = keysNow(needs.keys, needs.log)
  const { finding, detail, fingerprint } = assess(request, artefact.bytes, keys)
  const { decision, consequence } = decide(finding, request)
  const reason = `${request.path}: ${detail}${nobody(problem)}; ${consequence}`
  const verifiedPath = decision === 'refuse' ? '' : await needs.contents.put(artefact)
  needs.log.info({ path: request.path, sha256: artefact.sha256, finding, decision, reason }, 'artefact judged')
  const answer = { finding: findingOf[finding], decision: decisionOf[decision], reason, sha256: artefact.sha256 }
  return { ...answer, verifiedPath, keyFingerprint: fingerprint ?? '' }
}

function judgeKey(request: JudgeKeyRequest, needs: TrustNeeds): JudgeKeyResponse {
  const { keys, problem } = keysNow(needs.keys, needs.log)
  const { finding, detail } = assessKey(request.fingerprint, keys)
  const { decision, consequence } = decide(finding, request)
  const reason = `${detail}${nobody(problem)}; ${consequence}`
  return { finding: findingOf[finding], decision: decisionOf[decision], reason }
}

async function* watchKeys(
  { keys: file, log }: TrustNeeds,
  signal: AbortSignal,
): AsyncGenerator<WatchKeysResponse, void, undefined> {
  for (let seen: string | undefined; ; await delay(watchEveryMs, undefined, { signal })) {
    const stamp = file.stamp()
    if (stamp === seen) continue
    seen = stamp
    const { keys, problem } = keysNow(file, log)
    yield { keys: inOrder(keys).map(keyMessage), problem: problem ?? '' }
  }
}

/** The handlers of TrustService. A refusal is an answer; what cannot be judged at all is a RigError. */
export function trustHandlers(needs: TrustNeeds): TrustServiceServer {
  return {
    verifyArtefact: unary((request) => verifyArtefact(request, needs), needs.log),
    judgeKey: unary((request) => judgeKey(request, needs), needs.log),
    watchKeys: serverStream((_, signal) => watchKeys(needs, signal), needs.log),
  }
}
