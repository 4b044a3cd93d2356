import { onOneLine } from '../../input/one-line.ts'
import { invalidField, RigError } from '../../rpc/failure.ts'
import type { TrustedKey, TrustLevel, TrustStore } from './trust-store.ts'

/** What a change comes to: the keys from now on, and what is told of it. */
export interface KeyChange<Answer> {
  readonly keys: TrustStore
  readonly answer: Answer
}

/** A key, and the level that it had before; null for one that was not there. */
export interface Levelled {
  readonly key: TrustedKey
  readonly previous: TrustLevel | null
}

/** A key that somebody adds. An empty name or comment leaves that of a key that is there as it is. */
export interface NewKey
  extends Pick<TrustedKey, 'fingerprint' | 'raw' | 'identifier' | 'comment' | 'level' | 'reason'> {
  /** RFC 3339. */
  readonly now: string
}

const named = (key: TrustedKey): string => `the key ${onOneLine(key.identifier) || '?'} (${key.fingerprint})`

/** System keys are the rig's own. */
function needModifiable(key: TrustedKey): void {
  if (key.userModifiable) return
  throw new RigError('KEY_PROTECTED', `${named(key)} is a system key, and no call changes it; edit trust_store.json`)
}

function find(keys: TrustStore, fingerprint: string): TrustedKey {
  const print = fingerprint.toLowerCase()
  if (!/^[0-9a-f]{64}$/.test(print)) {
    throw invalidField('fingerprint', `is ${onOneLine(JSON.stringify(fingerprint.slice(0, 80)))}; give 64 hex digits`)
  }
  const key = keys.get(print)
  if (key !== undefined) return key
  throw new RigError('KEY_UNKNOWN', `the trust store has no key ${print}; \`wheelctl trust list\` shows those it has`)
}

const withKey = (keys: TrustStore, key: TrustedKey): TrustStore => new Map([...keys, [key.fingerprint, key]])

/** Throws KEY_PROTECTED. */
export function addKey(keys: TrustStore, { now, ...added }: NewKey): KeyChange<Levelled> {
  const there = keys.get(added.fingerprint)
  if (there !== undefined) needModifiable(there)
  const key: TrustedKey = {
    ...added,
    identifier: added.identifier || (there?.identifier ?? ''),
    comment: added.comment || (there?.comment ?? ''),
    addedAt: there?.addedAt ?? now,
    userModifiable: true,
  }
  return { keys: withKey(keys, key), answer: { key, previous: there?.level ?? null } }
}

/** Throws REQUEST_INVALID, KEY_UNKNOWN, KEY_PROTECTED. */
export function distrustKey(keys: TrustStore, fingerprint: string, reason: string): KeyChange<Levelled> {
  const there = find(keys, fingerprint)
  needModifiable(there)
  const key: TrustedKey = { ...there, level: 'Distrusted', reason }
  return { keys: withKey(keys, key), answer: { key, previous: there.level } }
}

/** Throws REQUEST_INVALID, KEY_UNKNOWN, KEY_PROTECTED. */
export function removeKey(keys: TrustStore, fingerprint: string): KeyChange<TrustedKey> {
  const key = find(keys, fingerprint)
  needModifiable(key)
  return { keys: new Map([...keys].filter(([print]) => print !== key.fingerprint)), answer: key }
}

/** What an import did with each of the keys that it brought. */
export interface Imported {
  readonly added: readonly TrustedKey[]
  /** As they are here, and stay. */
  readonly kept: readonly TrustedKey[]
}

/**
 * Adds what is not there. A key that is there keeps the level that this rig's operator gave it, and none becomes a system
 * key by coming from somewhere else.
 */
export function importKeys(keys: TrustStore, brought: TrustStore): KeyChange<Imported> {
  const all = [...brought.values()]
  const added = all.filter(({ fingerprint }) => !keys.has(fingerprint)).map((key) => ({ ...key, userModifiable: true }))
  const kept = all.flatMap(({ fingerprint }) => keys.get(fingerprint) ?? [])
  return { keys: new Map([...keys, ...added.map((key) => [key.fingerprint, key] as const)]), answer: { added, kept } }
}

/** Those that another rig may have: its own system keys every rig has. */
export const exportedKeys = (keys: TrustStore, withSystem: boolean): TrustStore =>
  new Map([...keys].filter(([, { userModifiable }]) => userModifiable || withSystem))
