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
import { RigError } from '../../rpc/failure.ts'
import { serverStream } from '../../rpc/streaming.ts'
import { unary } from '../../rpc/unary.ts'
import { type Artefact, readArtefact } from './artefact.ts'
import type { BundleFault } from './bundle.ts'
import { assessBundle, missingBundle } from './bundle-proof.ts'
import type { ContentStore } from './content-store.ts'
import { keyMessage } from './key-service.ts'
import {
  decide,
  type Decision as PolicyDecision,
  type Finding as PolicyFinding,
  type TrustMode,
  type Verdict,
} from './policy.ts'
import { type Assessment, assessKey, assessSignature, combine } from './proof.ts'
import { plainSignature, readSidecars, signatureFromBase64 } from './sidecar.ts'
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

/**
 * The keys that count now. Throws SERVICE_UNAVAILABLE where they cannot be known: nobody is trusted then and nobody is
 * distrusted, so nothing can be judged.
 */
function keysNow({ keys }: TrustNeeds): TrustStore {
  try {
    return keys.read()
  } catch (cause) {
    if (!(cause instanceof RigError)) throw cause
    const what = `nobody is trusted, because the trust store cannot be read (${cause.detail})`
    throw new RigError('SERVICE_UNAVAILABLE', `${what}; nothing loads until it can`, { cause })
  }
}

const badProof = (detail: string): Assessment => ({ finding: 'bad proof', detail, fingerprint: null })

/** The manifest's own signature, which is there when it is not empty. */
function assessManifest(request: VerifyArtefactRequest, artefact: Artefact, keys: TrustStore): Assessment[] {
  if (request.manifestSignature === '') return []
  const file = 'the signature in its manifest'
  const signature = signatureFromBase64(request.manifestSignature)
  if (signature === null) return [badProof(`${file} is not base64 of 64 bytes`)]
  const fingerprint = request.manifestSignerFingerprint.toLowerCase() || null
  return [assessSignature(artefact, plainSignature({ file, bytes: signature, fingerprint }), keys)]
}

/** What stands beside an artefact, and in its manifest. */
function assessDetached(request: VerifyArtefactRequest, artefact: Artefact, keys: TrustStore): readonly Assessment[] {
  const sidecars = readSidecars(request.path)
  if (sidecars.kind === 'bad') return [badProof(sidecars.sentence)]
  const beside = sidecars.signatures.map((signature) => assessSignature(artefact, signature, keys))
  return [...beside, ...assessManifest(request, artefact, keys)]
}

/** What the trust service needs: its keys, and where verified copies go. */
export interface TrustNeeds {
  readonly keys: Pick<TrustFile, 'read' | 'stamp'>
  readonly contents: ContentStore
  /** Wall clock, ms since 1970. */
  nowMs(): number
  readonly log: Logger
}

/** What was found and what follows from it. */
interface Judgement extends Verdict, Pick<Assessment, 'finding' | 'detail'> {}

const severity: Readonly<Record<PolicyDecision, number>> = { load: 0, 'load with warning': 1, refuse: 2 }

/** A bundle, where there is one, has to hold by itself, whatever else vouches for the artefact. */
function judgeSigners(detached: readonly Assessment[], bundle: readonly Assessment[], mode: TrustMode): Judgement {
  const judge = (assessments: readonly Assessment[]): Judgement => {
    const { finding, detail } = combine(assessments)
    return { finding, detail, ...decide(finding, mode) }
  }
  const whole = judge([...detached, ...bundle])
  if (bundle.length === 0) return whole
  const alone = judge(bundle)
  return severity[alone.decision] > severity[whole.decision] ? alone : whole
}

/** What is wrong with a bundle is wrong in every mode; a proof that is bad is told before what it would have proved. */
function withFault(judged: Judgement, fault: BundleFault | null): Judgement {
  if (fault === null || judged.finding === 'bad proof') return judged
  return { ...judged, detail: fault.detail, decision: 'refuse', consequence: 'it is refused in every mode' }
}

const fingerprintsOf = (assessments: readonly Assessment[]): string[] => [
  ...new Set(assessments.flatMap(({ fingerprint }) => fingerprint ?? [])),
]

async function verifyArtefact(request: VerifyArtefactRequest, needs: TrustNeeds): Promise<VerifyArtefactResponse> {
  const artefact = await readArtefact(request.path)
  const keys = keysNow(needs)
  const detached = assessDetached(request, artefact, keys)
  const bundle = assessBundle(request, artefact.sha256, keys, needs.nowMs())
  const signers = judgeSigners(detached, bundle.assessments, request)
  const { finding, detail, decision, consequence } = withFault(signers, bundle.fault)
  const reason = `${request.path}: ${detail}; ${consequence}`
  const refused = decision === 'refuse'
  const failure = signers.finding === 'bad proof' ? undefined : bundle.fault?.code
  needs.log.info({ path: request.path, sha256: artefact.sha256, finding, decision, reason }, 'artefact judged')
  return {
    ...{ finding: findingOf[finding], decision: decisionOf[decision], reason, sha256: artefact.sha256 },
    verifiedPath: refused ? '' : await needs.contents.put(artefact),
    failure: refused ? (failure ?? 'PLUGIN_UNTRUSTED') : '',
    bundleVersion: refused ? '' : bundle.version,
    keyFingerprints: refused ? [] : fingerprintsOf(detached),
    bundleKeyFingerprints: refused ? [] : fingerprintsOf(bundle.assessments),
  }
}

function judgeKeys(request: JudgeKeysRequest, needs: TrustNeeds): JudgeKeysResponse {
  const keys = keysNow(needs)
  const assess = (fingerprints: readonly string[]) => fingerprints.map((fingerprint) => assessKey(fingerprint, keys))
  const bundle = assess(request.bundleKeyFingerprints)
  const signers = judgeSigners(assess(request.keyFingerprints), bundle, request)
  const judged = withFault(signers, missingBundle(bundle, request.requireBundleSignature))
  const { finding, detail, decision, consequence } = judged
  return { finding: findingOf[finding], decision: decisionOf[decision], reason: `${detail}; ${consequence}` }
}

/** The keys as they are told of, and why they cannot be. */
function keyNews(needs: TrustNeeds): WatchKeysResponse {
  try {
    return { keys: inOrder(keysNow(needs)).map(keyMessage), problem: '' }
  } catch (cause) {
    if (!(cause instanceof RigError)) throw cause
    needs.log.error({ reason: cause.detail }, 'the trust store cannot be read')
    return { keys: [], problem: cause.detail }
  }
}

async function* watchKeys(needs: TrustNeeds, signal: AbortSignal): AsyncGenerator<WatchKeysResponse, void, undefined> {
  for (let seen: string | undefined; ; await delay(watchEveryMs, undefined, { signal })) {
    const stamp = needs.keys.stamp()
    if (stamp === seen) continue
    seen = stamp
    yield keyNews(needs)
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
