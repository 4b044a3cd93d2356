import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { RigError } from '../../rpc/failure.ts'
import { fingerprint, parsePublicKey } from './ed25519.ts'
import { formatTrustStore, parseTrustStore } from './trust-store.ts'

function newKey(): Uint8Array {
  return parsePublicKey(generateKeyPairSync('ed25519').publicKey.export({ format: 'pem', type: 'spki' }).toString())
}

const entryOf = (keyBytes: unknown) => ({
  public_key: { key_bytes: keyBytes, identifier: 'dev', comment: null as string | null },
  trust_level: 'Trusted',
  added_at: '2024-01-15T10:30:00Z',
  reason: 'met in person' as string | null,
  user_modifiable: true,
})

const source = { file: 'trust_store.json', code: 'CONFIG_INVALID' } as const
const parse = (value: unknown) => parseTrustStore(JSON.stringify(value, null, 2), source)

function refusal(value: unknown): string {
  try {
    parse(value)
  } catch (cause) {
    assert.ok(cause instanceof RigError && cause.code === 'CONFIG_INVALID', String(cause))
    return cause.detail
  }
  return assert.fail('was accepted')
}

const key = newKey()
const print = fingerprint(key)

test('a key is read from both spellings of its bytes', () => {
  for (const spelling of [[...key], Buffer.from(key).toString('base64')]) {
    const store = parse({ [print]: entryOf(spelling) })
    assert.deepEqual([...store.keys()], [print])
    assert.deepEqual(store.get(print), {
      fingerprint: print,
      raw: key,
      identifier: 'dev',
      comment: '',
      level: 'Trusted',
      addedAt: '2024-01-15T10:30:00Z',
      reason: 'met in person',
      userModifiable: true,
    })
  }
})

test('a store without keys trusts nobody', () => {
  assert.equal(parse({}).size, 0)
})

test('a key under another key’s fingerprint makes the whole store worthless', () => {
  const honest = newKey()
  const value = { [fingerprint(honest)]: entryOf([...honest]), ['ab'.repeat(32)]: entryOf([...key]) }
  const sentence = refusal(value)
  assert.match(sentence, /^trust_store\.json:\d+:\d+: a/)
  assert.ok(sentence.includes(`the fingerprint of its key is ${print}`))
})

const broken: readonly (readonly [name: string, entry: object, sentence: RegExp])[] = [
  ['31 bytes', entryOf([...key.slice(1)]), /key_bytes is a list; write the 32 raw key bytes as base64 or as a list/],
  ['a number beyond a byte', entryOf([...key.slice(1), 256]), /key_bytes is a list; write the 32 raw key bytes/],
  ['base64 of another length', entryOf('AAAA'), /key_bytes is "AAAA"; write the 32 raw key bytes/],
  ['a key of small order', entryOf([1, ...Array(31).fill(0)]), /key_bytes is a list; remove it: it has a small order/],
  ['a level that does not exist', { ...entryOf([...key]), trust_level: 'trusted' }, /did you mean Trusted\?/],
  ['a time that is none', { ...entryOf([...key]), added_at: 'yesterday' }, /added_at is "yesterday"; write a time/],
  ['a key that is not known', { ...entryOf([...key]), admin: true }, /\.admin is not a known key/],
]

for (const [name, entry, sentence] of broken) {
  test(`a store with ${name} is refused whole`, () => assert.match(refusal({ [print]: entry }), sentence))
}

test('one key twice, once trusted and once not, is refused', () => {
  const entry = JSON.stringify(entryOf([...key]))
  const text = `{"${print}": ${entry}, "${print}": ${entry.replace('Trusted', 'Distrusted')}}`
  assert.throws(() => parseTrustStore(text, source), { message: /is there twice/ })
})

test('what is written is read as it was, in the order of the fingerprints', () => {
  const others = Array.from({ length: 4 }, newKey)
  const entries = [key, ...others].map((raw) => [fingerprint(raw), entryOf([...raw])])
  const keys = parse(Object.fromEntries(entries))
  const text = formatTrustStore(keys)
  assert.deepEqual(parseTrustStore(text, source), new Map([...keys].sort(([a], [b]) => (a < b ? -1 : 1))))
  assert.deepEqual(Object.keys(JSON.parse(text)), [...keys.keys()].sort())
})
