import { createHash } from 'node:crypto'

/** What a decision is about. */
export const auditKinds = ['artefact', 'key', 'plugin'] as const
export type AuditKind = (typeof auditKinds)[number]

/** A decision, and what it was made from. */
export interface Decided {
  readonly kind: AuditKind
  /** Which one: the directory of a plugin, the fingerprint of a key. */
  readonly subject: string
  /** A word: `load`, `refuse`, `distrusted`. */
  readonly decision: string
  /** A sentence. */
  readonly reason: string
  readonly evidence: Readonly<Record<string, string | number | boolean | null>>
}

/** A decision as it stands in the log. */
export interface AuditEntry extends Omit<Decided, 'evidence'> {
  /** 1, 2, 3, without a gap. */
  readonly number: number
  /** ms since 1970. */
  readonly atMs: number
  /** JSON of what was given, as it was hashed. */
  readonly evidence: string
  /** Of the entry before; of the first one, zeroes. Hex. */
  readonly previousHash: string
  /** Of everything above. Hex. */
  readonly hash: string
}

export const firstPreviousHash = '0'.repeat(64)

type Unhashed = Omit<AuditEntry, 'hash'>

/** SHA-256 over the fields, each with its length before it, so that none of them can lend the next one a byte. */
function hashOf(entry: Unhashed): string {
  const hash = createHash('sha256')
  const { number, atMs, kind, subject, decision, reason, evidence, previousHash } = entry
  for (const field of [number, atMs, kind, subject, decision, reason, evidence, previousHash]) {
    const bytes = Buffer.from(String(field))
    hash.update(`${bytes.length}:`).update(bytes)
  }
  return hash.digest('hex')
}

/** The entry that comes after `last`; the first one after nothing. */
export function nextEntry(
  last: Pick<AuditEntry, 'number' | 'hash'> | undefined,
  decided: Decided,
  atMs: number,
): AuditEntry {
  const { kind, subject, decision, reason } = decided
  const place = { number: (last?.number ?? 0) + 1, atMs, previousHash: last?.hash ?? firstPreviousHash }
  const entry = { ...place, kind, subject, decision, reason, evidence: JSON.stringify(decided.evidence) }
  return { ...entry, hash: hashOf(entry) }
}

/** What a chain of entries comes to. */
export type AuditVerdict =
  | { readonly kind: 'intact'; readonly entries: number; readonly head: string }
  /** `number`: of the first entry that is not what was written. */
  | { readonly kind: 'broken'; readonly number: number; readonly why: string }

/**
 * Whether entries are those that were appended, in their order. What a chain cannot tell is that its end was cut off:
 * `head`, the hash of an entry that somebody kept elsewhere, must then be among them; empty asks for none. That of no
 * entry is the head of no other chain than the empty one.
 */
export function verifyChain(entries: Iterable<AuditEntry>, head = ''): AuditVerdict {
  let last = { number: 0, hash: firstPreviousHash }
  let seen = head === ''
  for (const entry of entries) {
    const number = last.number + 1
    if (entry.number !== number)
      return { kind: 'broken', number, why: `it is missing; the next one is ${entry.number}` }
    if (entry.previousHash !== last.hash) return { kind: 'broken', number, why: 'it does not follow the one before it' }
    if (hashOf(entry) !== entry.hash) return { kind: 'broken', number, why: 'it was changed after it was written' }
    seen ||= entry.hash === head
    last = entry
  }
  if (seen || last.hash === head) return { kind: 'intact', entries: last.number, head: last.hash }
  const why = head === firstPreviousHash ? 'it stands for a log without entries' : 'the end was cut off'
  return { kind: 'broken', number: last.number + 1, why: `no entry has the hash ${head}; ${why}` }
}
