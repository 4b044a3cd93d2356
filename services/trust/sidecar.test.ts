import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
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
    const signature = { file: name, bytes: new Uint8Array(64).fill(1), fingerprint: 'ab'.repeat(32) }
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
