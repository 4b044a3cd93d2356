import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fingerprint, parsePublicKey } from './ed25519.ts'
import { readSidecars, sidecarPaths } from './sidecar.ts'

const root = mkdtempSync(join(tmpdir(), 'openracing-sidecar-'))
after(() => rmSync(root, { recursive: true }))

const sidecar = {
  signature: Buffer.alloc(64, 1).toString('base64'),
  key_fingerprint: 'ab'.repeat(32),
  signer: 'Developer Name',
  timestamp: '2024-01-15T10:30:00Z',
  content_type: 'Plugin',
  comment: 'Optional description',
}

/** The path of an artefact with these sidecars beside it, by their file names. */
function artefactWith(files: Readonly<Record<string, unknown>>): string {
  const directory = mkdtempSync(join(root, 'plugin-'))
  for (const [name, value] of Object.entries(files)) {
    writeFileSync(join(directory, name), typeof value === 'string' ? value : JSON.stringify(value))
  }
  return join(directory, 'my_fast_plugin.so')
}

function badSentence(files: Readonly<Record<string, unknown>>): string {
  const answer = readSidecars(artefactWith(files))
  assert.equal(answer.kind, 'bad')
  return answer.kind === 'bad' ? answer.sentence : ''
}

test('a sidecar is looked for under the name of the file and under its stem', () => {
  assert.deepEqual(sidecarPaths('/p.x/libx.so'), ['/p.x/libx.so.sig', '/p.x/libx.sig'])
  assert.deepEqual(sidecarPaths('/p.x/plugin'), ['/p.x/plugin.sig'])
})

for (const name of ['my_fast_plugin.so.sig', 'my_fast_plugin.sig']) {
  test(`the sidecar ${name} is found`, () => {
    const artefact = artefactWith({ [name]: { ...sidecar, key_fingerprint: 'AB'.repeat(32) } })
    const part = { file: name, bytes: new Uint8Array(64).fill(1), fingerprint: 'ab'.repeat(32) }
    const signature = { ...part, over: 'bytes', claim: null }
    assert.deepEqual(readSidecars(artefact), { kind: 'signatures', signatures: [signature] })
  })
}

test('without a sidecar there is no signature', () => {
  assert.deepEqual(readSidecars(artefactWith({})), { kind: 'signatures', signatures: [] })
})

test('two sidecars that say the same are one signature', () => {
  const { comment: _, ...bare } = sidecar
  const answer = readSidecars(artefactWith({ 'my_fast_plugin.so.sig': sidecar, 'my_fast_plugin.sig': bare }))
  assert.equal(answer.kind === 'signatures' && answer.signatures.length, 1)
})

test('two sidecars that disagree are a bad proof, whichever is right', () => {
  for (const change of [{ signature: Buffer.alloc(64, 2).toString('base64') }, { key_fingerprint: 'cd'.repeat(32) }]) {
    const other = { ...sidecar, ...change }
    const sentence = badSentence({ 'my_fast_plugin.so.sig': sidecar, 'my_fast_plugin.sig': other })
    assert.match(sentence, /so\.sig and my_fast_plugin\.sig do not say the same/)
  }
})

const broken: readonly (readonly [name: string, content: unknown, sentence: RegExp])[] = [
  ['is no JSON', 'signature', /my_fast_plugin\.sig is not valid JSON/],
  ['is empty', '', /is not valid JSON/],
  ['holds the guide’s placeholder', { ...sidecar, signature: 'base64-encoded' }, /signature is "base64-encoded"; sign/],
  ['names no key', { ...sidecar, key_fingerprint: undefined }, /key_fingerprint is missing/],
  ['is for something else', { ...sidecar, content_type: 'Profile' }, /content_type is "Profile"; write Plugin/],
  ['has a key too many', { ...sidecar, trusted: true }, /trusted is not a known key/],
  ['is larger than 64 KiB', { ...sidecar, comment: 'x'.repeat(65_536) }, /has more than 65536 bytes/],
]

for (const [name, content, sentence] of broken) {
  test(`a sidecar that ${name} is a bad proof and not an absent one`, () => {
    assert.match(badSentence({ 'my_fast_plugin.sig': content }), sentence)
  })
}

test('a directory in the place of a sidecar is a bad proof', () => {
  const artefact = artefactWith({})
  mkdirSync(`${artefact}.sig`)
  assert.equal(readSidecars(artefact).kind, 'bad')
})

const pair = generateKeyPairSync('ed25519')
const raw = parsePublicKey(pair.publicKey.export({ format: 'pem', type: 'spki' }).toString())
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** As MIDIMon's tool writes it. */
const midimon = {
  version: 1,
  algorithm: 'Ed25519',
  plugin_hash: 'ab'.repeat(32),
  plugin_size: 123_456,
  public_key: hex(raw),
  signature: '9f'.repeat(64),
  signed_at: '2025-11-19T08:59:12Z',
  developer: { name: 'Your Name', email: 'you@example.com' },
}

test('what MIDIMon’s tool writes is read: what it is over, by which key, and what it says of the module', () => {
  const answer = readSidecars(artefactWith({ 'my_fast_plugin.so.sig': midimon }))
  assert.deepEqual(answer, {
    kind: 'signatures',
    signatures: [
      {
        ...{ file: 'my_fast_plugin.so.sig', bytes: Uint8Array.from(Buffer.alloc(64, 0x9f)), over: 'sha256' },
        ...{ fingerprint: fingerprint(raw), claim: { sha256: 'ab'.repeat(32), bytes: 123_456 } },
      },
    ],
  })
})

const midimonVices: readonly (readonly [what: string, part: object, sentence: RegExp])[] = [
  ['another version', { version: 2 }, /version is 2; write 1/],
  ['another algorithm', { algorithm: 'RSA' }, /algorithm is "RSA"/],
  ['a hash that is none', { plugin_hash: 'zz' }, /plugin_hash is "zz"; write the SHA-256 of the module as 64 hex/],
  ['a signature that is too short', { signature: '9f' }, /write the signature as 128 hex digits/],
  ['a key of small order', { public_key: '00'.repeat(32) }, /small order/],
  ['a size below nothing', { plugin_size: -1 }, /plugin_size/],
  ['a key that nobody knows', { admin: true }, /admin is not a known key/],
]

for (const [what, part, sentence] of midimonVices) {
  test(`one of MIDIMon’s with ${what} is bad, not absent`, () => {
    assert.match(badSentence({ 'my_fast_plugin.so.sig': { ...midimon, ...part } }), sentence)
  })
}

test('one sidecar of each kind by one key are two that have to hold, and by two keys a contradiction', () => {
  const ours = { ...sidecar, key_fingerprint: fingerprint(raw) }
  const both = readSidecars(artefactWith({ 'my_fast_plugin.so.sig': midimon, 'my_fast_plugin.sig': ours }))
  assert.deepEqual(both.kind === 'signatures' && both.signatures.map(({ over }) => over), ['sha256', 'bytes'])
  assert.match(badSentence({ 'my_fast_plugin.so.sig': midimon, 'my_fast_plugin.sig': sidecar }), /do not say the same/)
})
