import { AsyncLocalStorage } from 'node:async_hooks'
import type { PeerCertificate } from 'node:tls'
import type { Metadata } from '@grpc/grpc-js'
import { RigError } from './failure.ts'

/** What a caller may do: a viewer looks and may stop the rig, an operator drives it, an admin decides what runs on it. */
export const roles = ['viewer', 'operator', 'admin'] as const
export type Role = (typeof roles)[number]

/** Who calls. */
export interface Peer {
  /** For the log and the audit log: `uid:1000`, `127.0.0.1`, or the name in a certificate. */
  readonly name: string
  readonly role: Role
}

/** Whether who has `role` may do what needs `needed`. */
export const isEnough = (role: Role, needed: Role): boolean => roles.indexOf(role) >= roles.indexOf(needed)

/** The name that every rig's certificate has, beside those by which it is reached. */
export const rigName = 'openracing-rig'

/** How a connection on a Unix socket says whose it is, where others have an address. */
export const userAddress = (uid: number): string => `uid:${uid}`

/**
 * The name and the role in the subject of a certificate that the rig's CA issued: CN and OU. Throws PERMISSION_DENIED for
 * any other.
 */
export function peerOfCertificate({ subject }: Pick<PeerCertificate, 'subject'>): Peer {
  const [name, role] = [subject?.CN, subject?.OU]
  const known = roles.find((each) => each === role)
  if (typeof name === 'string' && name !== '' && known !== undefined) return { name, role: known }
  throw new RigError(
    'PERMISSION_DENIED',
    `the certificate names no role (its OU is ${JSON.stringify(role)?.slice(0, 40)}); use one that \`wheelctl pki issue\` made`,
  )
}

/** Under which a call carries its peer to its handler. What a caller sends under it is dropped. */
const peerKey = 'openracing-peer'

/** Marks a call as this peer's. */
export function markPeer(metadata: Metadata, peer: Peer): void {
  metadata.set(peerKey, JSON.stringify(peer))
}

function peerIn(metadata: Metadata): Peer | undefined {
  const [text] = metadata.get(peerKey)
  return typeof text === 'string' ? (JSON.parse(text) as Peer) : undefined
}

const calling = new AsyncLocalStorage<Peer>()

/** Runs a handler as asked for by whoever a call is of. */
export function asCaller<T>(metadata: Metadata, handle: () => T): T {
  const peer = peerIn(metadata)
  return peer === undefined ? handle() : calling.run(peer, handle)
}

/**
 * Whose word a decision is that is made now, for the audit log; nothing where it is nobody's. Only for what a handler does
 * itself: what it sets going may go on for others.
 */
export function bySomebody(): { readonly by?: string } {
  const peer = calling.getStore()
  return peer === undefined ? {} : { by: `${peer.name} (${peer.role})` }
}
