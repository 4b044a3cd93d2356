import type { FastPluginSpec, RigLimits } from '../../gen/proto/openracing/v1/dsp_helper.ts'
import { Waiting } from '../../gen/proto/openracing/v1/rig.ts'
import {
  Decision,
  type VerifyArtefactRequest,
  type VerifyArtefactResponse,
} from '../../gen/proto/openracing/v1/trust.ts'
import type {
  AdjustSafePluginRequest,
  LoadOnCallPluginRequest,
  LoadSafePluginRequest,
} from '../../gen/proto/openracing/v1/wasm_runner.ts'
import type { Frozen } from '../../input/freeze.ts'
import { parseFailure, RigError } from '../../rpc/failure.ts'
import type { Config, Program } from './config.ts'
import type { PluginManifest } from './manifest.ts'
import type { Granted } from './plugin-grants.ts'
import type { Runnable } from './plugin-plan.ts'

type Manifest = Frozen<PluginManifest>

/** Bytes, and where a copy of exactly those is. */
export interface Copy {
  readonly path: string
  readonly sha256: string
}

/** Fingerprints of the keys that signed something. */
export interface Signers {
  /** The artefact by itself. */
  readonly keyFingerprints: readonly string[]
  /** It and its manifest together. */
  readonly bundleKeyFingerprints: readonly string[]
}

/** What a plugin was judged with that runs: what lies on the disk by now may have been refused. */
export interface WhatRuns {
  readonly manifest: Manifest
  /** Of its artefact. */
  readonly sha256: string
}

/** Bytes that may run. */
export interface Verified extends Copy {
  /** What the operator should know about them; empty when there is nothing. */
  readonly warning: string
  /** Why they may run, a sentence. */
  readonly reason: string
  /** On whose word. */
  readonly signers: Signers
  /** The version that a trusted key says they are; empty where none does. */
  readonly bundleVersion: string
}

/** `path`: the artefact's real path. `newestVersion`: that ran on the word of a bundle; empty: none. */
export const verifyRequest = (
  path: string,
  { manifest, manifestFile, path: directory }: Runnable,
  policy: Config['plugins']['native'],
  newestVersion: string,
): VerifyArtefactRequest => ({
  path,
  requireSignatures: policy.requireSignatures,
  allowUnsigned: policy.allowUnsigned,
  requireBundleSignature: policy.requireBundleSignature,
  manifestSignature: manifest.signature ?? '',
  manifestSignerFingerprint: manifest.signerFingerprint ?? '',
  bundle: {
    directory,
    artefact: manifest.artefact,
    manifest: manifestFile?.name ?? '',
    manifestSha256: manifestFile?.sha256 ?? '',
    pluginId: manifest.id,
    newestVersion,
  },
})

/** The failure that trust named, where it is one. */
const failureOf = ({ failure, reason }: VerifyArtefactResponse): RigError =>
  parseFailure(`${failure}: ${reason}`) ?? new RigError('PLUGIN_UNTRUSTED', reason)

/** What trust's answer allows to run. Throws for every answer that does not say to load: PLUGIN_UNTRUSTED, BUNDLE_*. */
export function verifiedBy(answer: VerifyArtefactResponse): Verified {
  const { decision, reason, sha256, verifiedPath: path, keyFingerprints, bundleKeyFingerprints, bundleVersion } = answer
  const said = { path, sha256, reason, signers: { keyFingerprints, bundleKeyFingerprints }, bundleVersion }
  switch (decision) {
    case Decision.DECISION_LOAD:
      return { ...said, warning: '' }
    case Decision.DECISION_LOAD_WITH_WARNING:
      return { ...said, warning: reason }
    case Decision.DECISION_REFUSE:
    case Decision.DECISION_UNSPECIFIED:
      throw failureOf(answer)
  }
}

/** What is sent to a service, or a part of it, as text: the same where it is the same. */
export const asText = (value: object): string =>
  JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? `${each}` : each))

/** What a Safe plugin is loaded with beside what its manifest says. */
export interface SafePlace {
  /** Its config.json, checked and completed by its schema. */
  readonly configJson: string
  /** Its place among those that run. */
  readonly order: number
  readonly terms: Terms
  readonly program: Frozen<Program>
}

/** What may change while a plugin runs. */
export interface Terms {
  /** Calls a second; 0: it is not called. */
  readonly rateHz: number
  readonly granted: Granted
}

export const noProgram: Program = { arguments: [], environment: {} }

/** What it asks for and has not. The word Network without a list asks for nothing. */
const ungranted = ({ capabilities, permissions }: Manifest, granted: Granted): string[] =>
  capabilities.filter(
    (name) => !granted.capabilities.includes(name) && (name !== 'Network' || permissions.network.length > 0),
  )

export const safeRequest = (
  manifest: Manifest,
  verified: Copy,
  { configJson, order, terms: { rateHz, granted }, program }: SafePlace,
): LoadSafePluginRequest => ({
  id: manifest.id,
  name: manifest.name,
  path: verified.path,
  sha256: verified.sha256,
  capabilities: [...granted.capabilities],
  operations: manifest.operations,
  fileSystem: [...granted.fileSystem],
  arguments: [...program.arguments],
  environment: Object.entries(program.environment).map(([name, value]) => ({ name, value })),
  configJson,
  maxExecutionTimeUs: manifest.constraints.maxExecutionTimeUs,
  maxMemoryBytes: BigInt(manifest.constraints.maxMemoryBytes),
  updateRateHz: manifest.constraints.updateRateHz,
  mainFunction: manifest.mainFunction,
  initFunction: manifest.initFunction,
  cleanupFunction: manifest.cleanupFunction,
  order,
  network: [...granted.hosts],
  initialRateHz: rateHz,
  ungrantedCapabilities: ungranted(manifest, granted),
})

export const onCallRequest = (
  manifest: Manifest,
  verified: Copy,
  stateful: boolean,
  granted: Granted,
): LoadOnCallPluginRequest => ({
  ...{ id: manifest.id, name: manifest.name, path: verified.path, sha256: verified.sha256, stateful },
  maxExecutionTimeUs: manifest.constraints.maxExecutionTimeUs,
  maxMemoryBytes: BigInt(manifest.constraints.maxMemoryBytes),
  network: [...granted.hosts],
  fileSystem: [...granted.fileSystem],
  ungrantedCapabilities: ungranted(manifest, granted),
})

/** `id`: of a plugin that ticks, or that runs when somebody asks. */
export const adjustRequest = (
  { id, onCall }: Pick<Manifest, 'id' | 'onCall'>,
  { rateHz, granted }: Terms,
): AdjustSafePluginRequest => ({
  id,
  updateRateHz: onCall === null ? rateHz : 0,
  capabilities: onCall === null ? [...granted.capabilities] : [],
  fileSystem: [...granted.fileSystem],
  network: [...granted.hosts],
})

/** `directory`: the plugin's own, real path. */
export const fastSpec = (
  manifest: Manifest,
  verified: Copy,
  configJson: string,
  directory: string,
  policy: Config['plugins']['native'],
): FastPluginSpec => ({
  id: manifest.id,
  name: manifest.name,
  path: verified.path,
  sha256: verified.sha256,
  configJson,
  budgetUs: manifest.constraints.maxExecutionTimeUs,
  maxMemoryBytes: BigInt(manifest.constraints.maxMemoryBytes),
  directory,
  allowUnsandboxed: policy.allowUnsandboxed,
})

const waitingOf: Readonly<Record<Config['rt']['waiting'], Waiting>> = {
  predictive: Waiting.WAITING_PREDICTIVE,
  futex: Waiting.WAITING_FUTEX,
}

export const rigLimits = ({ ffb, device, rt }: Pick<Config, 'ffb' | 'device' | 'rt'>): RigLimits => ({
  gain: ffb.gain,
  maxTorqueNm: ffb.maxTorqueNm,
  maxSlewNmPerS: ffb.maxSlewNmPerS,
  simulatedWheel: device === 'simulated',
  assent: ffb.allowHighTorque,
  waiting: waitingOf[rt.waiting],
})
