import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import {
  Decision,
  Finding,
  type JudgeKeysRequest,
  type JudgeKeysResponse,
  type TrustServiceServer,
  type VerifyArtefactRequest,
  type VerifyArtefactResponse,
  type WatchKeysResponse,
} from '../../gen/proto/openracing/v1/trust.ts'
import { type FailureCode, RigError } from '../../rpc/failure.ts'
import { serverStream } from '../../rpc/streaming.ts'
import { unary } from '../../rpc/unary.ts'
import { type Artefact, readArtefact } from './artefact.ts'
import { assessBundle } from './bundle-proof.ts'
import type { ContentStore } from './content-store.ts'
import { keyMessage } from './key-service.ts'
import { decide, type Decision as PolicyDecision, type Finding as PolicyFinding, type Verdict } from './policy.ts'
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

/** What stands beside an artefact, and in its manifest. */
function assessDetached(request: VerifyArtefactRequest, bytes: Uint8Array, keys: TrustStore): readonly Assessment[] {
  const sidecars = readSidecars(request.path)
  if (sidecars.kind === 'bad') return [badProof(sidecars.sentence)]
  const beside = sidecars.signatures.map((signature: Signature) => assessSignature(bytes, signature, keys))
  return [...beside, ...assessManifest(request, bytes, keys)]
}

/** What the trust service needs: its keys, and where verified copies go. */
export interface TrustNeeds {
  readonly keys: Pick<TrustFile, 'read' | 'stamp'>
  readonly contents: ContentStore
  /** Wall clock, ms since 1970. */
  nowMs(): number
  readonly log: Logger
}

const nobody = (problem: string | null): string =>
  problem === null ? '' : ` (nobody is trusted, because the trust store is of no use: ${problem})`

/** What was found and what follows from it. */
interface Judgement extends Verdict, Pick<Assessment, 'finding' | 'detail'> {
  /** Of a refusal. */
  readonly failure: FailureCode | null
  /** Of the keys on whose word it may run. */
  readonly fingerprints: readonly string[]
  readonly bundleVersion: string
}

function judge(request: VerifyArtefactRequest, artefact: Artefact, keys: TrustStore, nowMs: number): Judgement {
  const bundle = assessBundle(request, artefact.sha256, keys, nowMs)
  const assessments = [...assessDetached(request, artefact.bytes, keys), ...bundle.assessments]
  const { finding, detail } = combine(assessments)
  const own = decide(finding, request)
  // A proof that is bad is told before what it would have proved.
  if (bundle.fault !== null && finding !== 'bad proof') {
    const consequence = 'it is refused in every mode'
    const told = { finding, detail: bundle.fault.detail, decision: 'refuse', consequence } as const
    return { ...told, failure: bundle.fault.code, fingerprints: [], bundleVersion: '' }
  }
  const vouching = assessments.filter((one) => one.finding === finding).flatMap((one) => one.fingerprint ?? [])
  return {
    ...{ finding, detail, ...own, bundleVersion: bundle.version },
    failure: own.decision === 'refuse' ? 'PLUGIN_UNTRUSTED' : null,
    fingerprints: own.decision === 'refuse' ? [] : [...new Set(vouching)],
  }
}

async function verifyArtefact(request: VerifyArtefactRequest, needs: TrustNeeds): Promise<VerifyArtefactResponse> {
  const artefact = await readArtefact(request.path)
  const { keys, problem } = keysNow(needs.keys, needs.log)
  const judged = judge(request, artefact, keys, needs.nowMs())
  const { finding, detail, decision, consequence, failure } = judged
  const reason = `${request.path}: ${detail}${nobody(problem)}; ${consequence}`
  const verifiedPath = decision === 'refuse' ? '' : await needs.contents.put(artefact)
  needs.log.info({ path: request.path, sha256: artefact.sha256, finding, decision, reason }, 'artefact judged')
  return {
    ...{ finding: findingOf[finding], decision: decisionOf[decision], reason, sha256: artefact.sha256, verifiedPath },
    ...{ keyFingerprints: [...judged.fingerprints], failure: failure ?? '', bundleVersion: judged.bundleVersion },
  }
}

function judgeKeys(request: JudgeKeysRequest, needs: TrustNeeds): JudgeKeysResponse {
  const { keys, problem } = keysNow(needs.keys, needs.log)
  const { finding, detail } = combine(request.fingerprints.map((fingerprint) => assessKey(fingerprint, keys)))
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
    judgeKeys: unary((request) => judgeKeys(request, needs), needs.log),
    collectCopies: unary(async ({ keep }) => {
      const collected = await needs.contents.collect(new Set(keep))
      if (collected.removed > 0) needs.log.info(collected, 'copies that nobody runs were removed')
      return { removed: collected.removed, removedBytes: BigInt(collected.removedBytes) }
    }, needs.log),
    watchKeys: serverStream((_, signal) => watchKeys(needs, signal), needs.log),
  }
}
