import { createHash } from 'node:crypto'
import type { Frozen } from '../../input/freeze.ts'
import type { PluginManifest } from './manifest.ts'
import type { Capability } from './manifest-schema.ts'

/** How much harm a capability can do. Low is granted on load, the others by the user. */
export const risks = ['low', 'medium', 'high'] as const
export type Risk = (typeof risks)[number]

/** A word of the operator about one capability of one plugin. */
export type CapabilityWord =
  /** For these bytes and no others; of FileSystem also for these directories: grantDigest(). */
  | { readonly kind: 'granted'; readonly sha256: string }
  /** Whatever the bytes, until it is granted again. */
  | { readonly kind: 'revoked' }

/** What was said about the capabilities of a plugin. */
export interface Said {
  /** config.yaml names the plugin: it is to run as its manifest says, but for what is of high risk. */
  readonly isNamed: boolean
  /** What config.yaml grants it by name. */
  readonly byName: readonly Capability[]
  /** Risks up to this one config.yaml grants every plugin. */
  readonly upTo: Risk
  readonly wordOn: (capability: Capability) => CapabilityWord | undefined
}

/** Why a capability is granted, or is not. */
export type GrantReason = 'low risk' | 'config.yaml' | 'operator' | 'not granted' | 'revoked' | 'granted to other bytes'

/** What became of one capability that a manifest asks for. */
export interface CapabilityGrant {
  readonly capability: Capability
  readonly risk: Risk
  readonly granted: boolean
  readonly reason: GrantReason
}

/** CONTRACTS.md §4. Network with a list is granted to the hosts on it, and without one means nothing. */
const riskOf: Readonly<Record<Capability, Risk>> = {
  ReadTelemetry: 'low',
  ControlLeds: 'low',
  InterPluginComm: 'low',
  Network: 'low',
  ModifyTelemetry: 'medium',
  ProcessDsp: 'medium',
  FileSystem: 'high',
}

type Asking = Frozen<Pick<PluginManifest, 'capabilities' | 'permissions'>>

export const riskIn = ({ permissions }: Asking, capability: Capability): Risk =>
  capability === 'Network' && permissions.network.length === 0 ? 'medium' : riskOf[capability]

const isUpTo = (risk: Risk, most: Risk): boolean => risks.indexOf(risk) <= risks.indexOf(most)

function reasonFor(capability: Capability, risk: Risk, digest: string | null, said: Said): GrantReason {
  const word = said.wordOn(capability)
  if (word?.kind === 'revoked') return 'revoked'
  if (word !== undefined && (digest === null || word.sha256 === digest)) return 'operator'
  if (risk === 'low') return 'low risk'
  if (said.byName.includes(capability) || isUpTo(risk, said.upTo)) return 'config.yaml'
  if (said.isNamed && risk === 'medium') return 'config.yaml'
  return word === undefined ? 'not granted' : 'granted to other bytes'
}

/** What a grant is bound to, hex: the artefact; of FileSystem also what its user was shown. */
export function grantDigest(manifest: Asking, capability: Capability, sha256: string): string {
  if (capability !== 'FileSystem') return sha256
  return createHash('sha256')
    .update(`${sha256} ${whatItAllows(manifest, capability)}`)
    .digest('hex')
}

const granting: readonly GrantReason[] = ['low risk', 'config.yaml', 'operator']

/**
 * What becomes of each capability that a manifest asks for, and of no other one. `sha256`: of the artefact; null asks
 * what is granted to some bytes or other.
 */
export function decideGrants(manifest: Asking, sha256: string | null, said: Said): readonly CapabilityGrant[] {
  return manifest.capabilities.map((capability) => {
    const risk = riskIn(manifest, capability)
    const digest = sha256 === null ? null : grantDigest(manifest, capability, sha256)
    const reason = reasonFor(capability, risk, digest, said)
    return { capability, risk, granted: granting.includes(reason), reason }
  })
}

/** What a capability of a plugin allows, a clause: what its user is shown before it is granted. */
export function whatItAllows({ permissions }: Asking, capability: Capability): string {
  const paths = permissions.fileSystem.map(
    ({ path, access }) => `${access === 'read' ? 'read' : 'read and write'} ${path}`,
  )
  const said: Readonly<Record<Capability, string>> = {
    ReadTelemetry: 'read what the game says',
    ControlLeds: 'set the LEDs of the rim',
    InterPluginComm: 'exchange messages with other plugins',
    Network:
      permissions.network.length > 0 ? `reach ${permissions.network.join(', ')}` : 'reach no host: it lists none',
    ModifyTelemetry: 'scale the force on the wheel, and change what other plugins read',
    ProcessDsp: 'change the torque on the wheel a thousand times a second',
    FileSystem: paths.length > 0 ? paths.join(', ') : 'use no file: it lists none',
  }
  return said[capability]
}
