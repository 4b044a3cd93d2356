import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RigError } from '../../rpc/failure.ts'
import {
  type BundleFacts,
  type BundleStatement,
  bundleFault,
  formatBundle,
  parseBundle,
  preAuthEncoding,
  statementPayload,
} from './bundle.ts'

const [artefactSha256, manifestSha256] = ['ab'.repeat(32), 'cd'.repeat(32)]
const statement: BundleStatement = {
  digests: new Map([
    ['build/x.so', artefactSha256],
    ['plugin.yaml', manifestSha256],
  ]),
  pluginId: 'id',
  version: '1.2.0',
  expiresMs: 2000,
}
const facts: BundleFacts = {
  artefact: 'build/x.so',
  artefactSha256,
  manifest: { name: 'plugin.yaml', sha256: manifestSha256 },
  pluginId: 'id',
  newestVersion: '1.2.0',
  nowMs: 1999,
}
const signature = { bytes: Buffer.alloc(64, 7), fingerprint: 'ef'.repeat(32) }

test('what is written is read as it was', () => {
  const payload = statementPayload(statement)
  const bundle = parseBundle(formatBundle(payload, [signature, { ...signature, fingerprint: null }]), 'plugin.sig.json')
  assert.deepEqual(bundle.statement, statement)
  assert.deepEqual(bundle.signed, preAuthEncoding(payload))
  assert.deepEqual(bundle.signatures, [signature, { ...signature, fingerprint: null }])
})

test('what is signed is the payload with its type, as DSSE has it', () => {
  // The form of the protocol's own example, with our type.
  const signed = Buffer.from(preAuthEncoding(Buffer.from('hello world'))).toString()
  assert.equal(signed, 'DSSEv1 28 application/vnd.in-toto+json 11 hello world')
})

const faults: readonly (readonly [what: string, part: Partial<BundleFacts>, code: string, detail: RegExp])[] = [
  [
    'another artefact',
    { artefactSha256: '00'.repeat(32) },
    'BUNDLE_ARTEFACT_SUBSTITUTED',
    /build\/x\.so has the SHA-256/,
  ],
  [
    'another manifest',
    { manifest: { name: 'plugin.yaml', sha256: '00'.repeat(32) } },
    'BUNDLE_MANIFEST_CHANGED',
    /^the manifest plugin\.yaml has the SHA-256 0{64}, and (cd){32} was signed$/,
  ],
  ['an artefact of another name', { artefact: 'x.so' }, 'BUNDLE_INVALID', /says nothing of x\.so/],
  [
    'a manifest of another name',
    { manifest: { name: 'plugin.toml', sha256: manifestSha256 } },
    'BUNDLE_INVALID',
    /toml/,
  ],
  ['another plugin', { pluginId: 'other' }, 'BUNDLE_INVALID', /is about the plugin "id", and this is other/],
  ['the moment at which it expires', { nowMs: 2000 }, 'BUNDLE_EXPIRED', /valid until 1970-01-01T00:00:02\.000Z/],
  ['a newer version that has run', { newestVersion: '1.10.0' }, 'BUNDLE_ROLLBACK', /1\.2\.0 is older than 1\.10\.0/],
  [
    'the release of which this is a candidate',
    { newestVersion: '1.2.1-rc.1' },
    'BUNDLE_ROLLBACK',
    /older than 1\.2\.1-rc\.1/,
  ],
]

for (const [what, part, code, detail] of faults) {
  test(`${what} is a fault of its own: ${code}`, () => {
    const fault = bundleFault(statement, { ...facts, ...part })
    assert.equal(fault?.code, code)
    assert.match(fault?.detail ?? '', detail)
  })
}

test('the same and a newer version run, those before any, and those without end', () => {
  for (const newestVersion of ['', '1.2.0', '1.2.0-rc.9', '0.9.9']) {
    assert.equal(bundleFault(statement, { ...facts, newestVersion }), undefined, newestVersion)
  }
  assert.equal(bundleFault({ ...statement, expiresMs: null }, { ...facts, nowMs: Number.MAX_SAFE_INTEGER }), undefined)
  assert.equal(bundleFault(statement, { ...facts, manifest: null }), undefined, 'a plugin without a manifest')
})

const payloadOf = (change: (value: Record<string, unknown>) => unknown): string => {
  const value = JSON.parse(statementPayload(statement).toString())
  return formatBundle(Buffer.from(JSON.stringify(change(value) ?? value)), [signature])
}
const envelopeOf = (change: (value: Record<string, unknown>) => unknown): string => {
  const value = JSON.parse(formatBundle(statementPayload(statement), [signature]))
  return JSON.stringify(change(value) ?? value)
}
const set =
  (path: readonly string[], to: unknown) =>
  (value: Record<string, unknown>): void => {
    const last = path.at(-1) as string
    const parent = path
      .slice(0, -1)
      .reduce<Record<string, unknown>>((at, key) => at[key] as Record<string, unknown>, value)
    if (to === undefined) delete parent[last]
    else parent[last] = to
  }

const broken: readonly (readonly [what: string, text: string, sentence: RegExp])[] = [
  ['no JSON', '{', /is not valid JSON/],
  ['a list', '[]', /write a map of keys/],
  ['another payload type', envelopeOf(set(['payloadType'], 'text/plain')), /payloadType is "text\/plain"/],
  ['no signature', envelopeOf(set(['signatures'], [])), /at least one signature/],
  ['a payload that is no base64', envelopeOf(set(['payload'], '*')), /payload is "\*"/],
  [
    'a signature of 63 bytes',
    envelopeOf(set(['signatures', '0', 'sig'], Buffer.alloc(63).toString('base64'))),
    /63 bytes, not 64/,
  ],
  ['a key id that is none', envelopeOf(set(['signatures', '0', 'keyid'], 'me')), /64 hex digits/],
  [
    'a payload that is no text',
    envelopeOf(set(['payload'], Buffer.from([0xff, 0xfe]).toString('base64'))),
    /is not UTF-8/,
  ],
  ['seventeen signatures', formatBundle(statementPayload(statement), Array(17).fill(signature)), /at most 16/],
  ['another kind of statement', payloadOf(set(['_type'], 'https://in-toto.io/Statement/v0.1')), /_type is/],
  ['another predicate', payloadOf(set(['predicateType'], 'https://slsa.dev/provenance/v1')), /predicateType is/],
  ['no plugin', payloadOf(set(['predicate', 'plugin_id'], undefined)), /plugin_id/],
  ['a version that is none', payloadOf(set(['predicate', 'version'], 'latest')), /semantic version/],
  ['a key that nobody knows', payloadOf(set(['predicate', 'admin'], true)), /admin is not a known key/],
  ['a day on which it expires and no time', payloadOf(set(['predicate', 'expires'], 'tomorrow')), /time of RFC 3339/],
  [
    'a file twice',
    payloadOf((value) => void (value.subject as unknown[]).push((value.subject as unknown[])[0])),
    /each file once/,
  ],
  ['a digest that is none', payloadOf(set(['subject', '0', 'digest', 'sha256'], 'zz')), /64 hex digits/],
]

for (const [what, text, sentence] of broken) {
  test(`an envelope with ${what} is refused`, () => {
    assert.throws(() => parseBundle(text, 'plugin.sig.json'), { code: 'BUNDLE_INVALID', message: sentence })
  })
}

test('any text is a bundle or refused with a reason, and keys that nobody knows are no reason', () => {
  const whole = formatBundle(statementPayload(statement), [signature])
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.string({ maxLength: 4, unit: 'binary' }), (at, text) => {
      try {
        parseBundle(whole.slice(0, at) + text + whole.slice(at + text.length), 'plugin.sig.json')
      } catch (cause) {
        assert.ok(cause instanceof RigError && cause.code === 'BUNDLE_INVALID', String(cause))
      }
    }),
    { numRuns: 2000 },
  )
  parseBundle(envelopeOf(set(['more'], 1)), 'plugin.sig.json')
  parseBundle(payloadOf(set(['more'], 1)), 'plugin.sig.json')
})
