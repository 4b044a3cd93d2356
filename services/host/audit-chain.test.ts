import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type AuditEntry, type Decided, firstPreviousHash, nextEntry, verifyChain } from './audit-chain.ts'

const decided: Decided = {
  kind: 'artefact',
  subject: 'lowpass',
  decision: 'load',
  reason: 'it is signed',
  evidence: { sha256: 'ab', code: null },
}

function chainOf(length: number): AuditEntry[] {
  const entries: AuditEntry[] = []
  for (let at = 0; at < length; at++) {
    entries.push(nextEntry(entries.at(-1), { ...decided, reason: `reason ${at}` }, 1000 + at))
  }
  return entries
}

test('entries count from one, and each has the hash of the one before', () => {
  const [one, two] = chainOf(2) as [AuditEntry, AuditEntry]
  assert.deepEqual([one.number, one.previousHash, two.number, two.previousHash], [1, firstPreviousHash, 2, one.hash])
  // As audit.proto has it, written out once.
  const text =
    '1:1' + '4:1000' + '8:artefact' + '7:lowpass' + '4:load' + '8:reason 0' + '27:{"sha256":"ab","code":null}'
  const { createHash } = process.getBuiltinModule('node:crypto')
  assert.equal(one.hash, createHash('sha256').update(`${text}64:${firstPreviousHash}`).digest('hex'))
})

test('a chain is intact as it was written, the empty one too', () => {
  const entries = chainOf(20)
  assert.deepEqual(verifyChain(entries), { kind: 'intact', entries: 20, head: entries[19]?.hash })
  assert.deepEqual(verifyChain([]), { kind: 'intact', entries: 0, head: firstPreviousHash })
})

test('any field of any entry that is changed is found out at that entry', () => {
  const fields = ['atMs', 'kind', 'subject', 'decision', 'reason', 'evidence', 'hash', 'previousHash'] as const
  fc.assert(
    fc.property(fc.nat(19), fc.constantFrom(...fields), (at, field) => {
      const entries = chainOf(20)
      const entry = entries[at] as AuditEntry
      entries[at] = { ...entry, [field]: field === 'atMs' ? entry.atMs + 1 : `${entry[field]}x` }
      const verdict = verifyChain(entries)
      assert.ok(verdict.kind === 'broken')
      assert.equal(verdict.number, at + 1)
    }),
  )
})

test('what is moved from one field to the next is found out', () => {
  const [entry] = chainOf(1) as [AuditEntry]
  const moved = { ...entry, subject: 'lowpas', decision: 'sload' }
  assert.deepEqual(verifyChain([moved]), { kind: 'broken', number: 1, why: 'it was changed after it was written' })
})

test('an entry that is missing, is there twice or has another place is found out', () => {
  const vices: readonly ((entries: AuditEntry[]) => unknown)[] = [
    (entries) => entries.splice(5, 1),
    (entries) => entries.splice(5, 0, entries[5] as AuditEntry),
    (entries) => entries.reverse(),
    (entries) => entries.shift(),
  ]
  for (const vice of vices) {
    const entries = chainOf(10)
    vice(entries)
    assert.equal(verifyChain(entries).kind, 'broken')
  }
})

test('an end that was cut off is found out by who kept a hash, and by nobody else', () => {
  const entries = chainOf(10)
  const head = entries[9]?.hash as string
  const cut = entries.slice(0, 7)
  assert.equal(verifyChain(cut).kind, 'intact')
  const verdict = verifyChain(cut, head)
  assert.ok(verdict.kind === 'broken')
  assert.equal(verdict.number, 8)
  assert.match(verdict.why, /the end was cut off/)
  assert.equal(verifyChain(entries, entries[3]?.hash).kind, 'intact')
})

test('the hash of no entry is found in a log without entries, and in no other', () => {
  assert.equal(verifyChain([], firstPreviousHash).kind, 'intact')
  const verdict = verifyChain(chainOf(3), firstPreviousHash)
  assert.ok(verdict.kind === 'broken')
  assert.match(verdict.why, /^no entry has the hash 0{64}; it stands for a log without entries$/)
})
