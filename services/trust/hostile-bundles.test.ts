import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { sign } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { VerifyArtefactRequest } from '../../gen/proto/openracing/v1/trust.ts'
import { always, edited, editsWith, named, oddText, oneLine, pathsIn, put, type Tree } from '../../test/hostile.ts'
import { formatBundle, preAuthEncoding, statementPayload } from './bundle.ts'
import { assessBundle } from './bundle-proof.ts'
import { combine } from './proof.ts'
import { hostileBytes, hostileValues } from './testing/hostile-json.ts'
import { keyOf, knowing, newSigner } from './testing/signer.ts'

// An envelope that is there holds, or the plugin is refused: it is never as if there were none.

const root = mkdtempSync(join(tmpdir(), 'openracing-hostile-'))
after(() => rmSync(root, { recursive: true }))

const signer = newSigner()
const keys = knowing(keyOf(signer, 'Trusted'))
const [artefactSha256, manifestSha256] = ['ab'.repeat(32), 'cd'.repeat(32)]

const statement = JSON.parse(
  statementPayload({
    digests: new Map([
      ['x.wasm', artefactSha256],
      ['plugin.yaml', manifestSha256],
    ]),
    ...{ pluginId: 'id', version: '1.2.0', expiresMs: 2000 },
  }).toString(),
) as Tree

/** The envelope of a statement, signed by the key that is trusted. */
function envelopeOf(text: string | Uint8Array): string {
  const payload = Buffer.from(text)
  const bytes = sign(null, preAuthEncoding(payload), signer.privateKey)
  return formatBundle(payload, [{ bytes, fingerprint: signer.fingerprint }])
}

const pretty = (value: unknown): string => JSON.stringify(value, null, 1)

/** What an envelope in a directory comes to. What is said of it has to fit a line. */
function findingIn(directory: string): string {
  const bundle = {
    directory,
    artefact: 'x.wasm',
    manifest: 'plugin.yaml',
    manifestSha256,
    pluginId: 'id',
    newestVersion: '',
  }
  const request = VerifyArtefactRequest.fromPartial({ path: join(directory, 'x.wasm'), bundle })
  const { fault, assessments } = assessBundle(request, artefactSha256, keys, 1000)
  const { finding, detail } = combine(assessments)
  assert.match(fault?.detail ?? detail, oneLine)
  return fault === null ? finding : 'refused'
}

const directory = mkdtempSync(join(root, 'plugin-'))
const file = join(directory, 'plugin.sig.json')

function findingWith(content: string | Uint8Array): string {
  writeFileSync(file, content)
  return findingIn(directory)
}

const good = envelopeOf(pretty(statement))
const envelope = JSON.parse(good) as Tree
const mark = '"the value under test"'

test('the envelope that the variants are made of holds, and without one nothing is signed', () => {
  assert.equal(findingWith(good), 'trusted')
  rmSync(file)
  assert.equal(findingIn(directory), 'unsigned')
})

test('whatever stands anywhere in an envelope, it is there', () => {
  for (const path of pathsIn(envelope)) {
    const text = pretty(put(envelope, path, 'the value under test'))
    for (const value of hostileValues) {
      const finding = findingWith(text.replace(mark, () => value))
      // A signature need not say whose it is.
      const wanted = named(path).endsWith('keyid') && value === 'null' ? 'trusted' : /^(refused|bad proof)$/
      assert.match(finding, new RegExp(wanted), `${value.slice(0, 60)} at ${named(path)}`)
    }
  }
})

test('whatever stands anywhere in a statement, and is signed, is refused when it is not what it has to be', () => {
  for (const path of pathsIn(statement)) {
    const text = pretty(put(statement, path, 'the value under test'))
    for (const value of hostileValues) {
      const finding = findingWith(envelopeOf(text.replace(mark, () => value)))
      // One without an end, or with a version that is none to compare.
      const isFree = /^predicate\.(expires|version)$/.test(named(path)) && ['null', '""'].includes(value)
      assert.match(finding, isFree ? /^(trusted|refused)$/ : /^refused$/, `${value.slice(0, 60)} at ${named(path)}`)
    }
  }
})

test('whatever is missing or there twice in either is refused, but for what may be missing', () => {
  const optional = /^(signatures\.0\.keyid|predicate\.expires)$/
  for (const [tree, wrap] of [
    [envelope, (text: string) => text],
    [statement, envelopeOf],
  ] as const) {
    for (const path of pathsIn(tree).slice(1)) {
      const finding = findingWith(wrap(pretty(put(tree, path, undefined))))
      assert.equal(finding, optional.test(named(path)) ? 'trusted' : 'refused', named(path))
    }
    const [first = ''] = Object.keys(tree)
    assert.equal(findingWith(wrap(pretty(tree).replace('{', `{"${first}": 1,`))), 'refused')
    assert.equal(findingWith(wrap(`{"__proto__": ${pretty(tree)}}`)), 'refused')
    assert.equal(findingWith(wrap(pretty({ ...tree, constructor: 1, toString: 1 }))), 'trusted')
  }
})

test('bytes that are no envelope, or sign no statement, are refused', () => {
  for (const [what, content] of hostileBytes(good)) assert.equal(findingWith(content), 'refused', what)
  for (const [what, content] of hostileBytes(pretty(statement))) {
    if (content.length < 40_000) assert.equal(findingWith(envelopeOf(content)), 'refused', what)
  }
})

test('base64 in an envelope is what the bytes are written as, and nothing else', () => {
  const [{ sig }] = envelope.signatures as [{ sig: string }]
  const spare = `${sig.slice(0, 85)}${String.fromCharCode(sig.charCodeAt(85) + 1)}==`
  for (const other of [spare, sig.slice(0, -2), `${sig}\n`, ` ${sig}`, `${sig}AAAA`, sig.replace(/^.{40}/, '$&\n')])
    assert.equal(findingWith(pretty(put(envelope, ['signatures', 0, 'sig'], other))), 'refused', other)
  const payload = String(envelope.payload)
  for (const other of [`${payload}\n`, ` ${payload}`, payload.replace(/^.{40}/, '$& ')])
    assert.equal(findingWith(pretty(put(envelope, ['payload'], other))), 'refused')
})

test('an envelope that is cut or changed at random is never none', () => {
  for (let length = 0; length < good.length - 1; length += 7)
    assert.equal(findingWith(good.slice(0, length)), 'refused', `${length} bytes`)
  const edits = editsWith(fc.oneof(fc.constantFrom(...hostileValues), oddText))
  const property = fc.property(edits, (changes) => assert.notEqual(findingWith(edited(good, changes)), 'unsigned'))
  always('an envelope', property, 1000)
})

test('a statement changed at random and signed all the same is refused in one sentence, or holds', () => {
  const edits = editsWith(fc.oneof(fc.constantFrom(...hostileValues), oddText))
  const property = fc.property(edits, (changes) =>
    assert.match(findingWith(envelopeOf(edited(pretty(statement), changes).toWellFormed())), /^(trusted|refused)$/),
  )
  always('a statement', property, 1000)
})

test('what is no file of its own in the place of an envelope is refused, and nobody waits for it', () => {
  writeFileSync(join(root, 'elsewhere.json'), good)
  const replaced = (make: () => void): string => {
    rmSync(file, { recursive: true, force: true })
    make()
    return findingIn(directory)
  }
  for (const target of [
    join(root, 'elsewhere.json'),
    '/nowhere',
    '/dev/zero',
    '/',
    'plugin.sig.json',
    '/proc/self/environ',
  ])
    assert.equal(
      replaced(() => symlinkSync(target, file)),
      'refused',
      target,
    )
  assert.equal(
    replaced(() => void execFileSync('mkfifo', [file])),
    'refused',
  )
  assert.equal(
    replaced(() => void mkdirSync(file)),
    'refused',
  )
})
