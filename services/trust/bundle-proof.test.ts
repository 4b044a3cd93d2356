import assert from 'node:assert/strict'
import { sign } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { VerifyArtefactRequest } from '../../gen/proto/openracing/v1/trust.ts'
import { formatBundle, preAuthEncoding, statementPayload } from './bundle.ts'
import { assessBundle } from './bundle-proof.ts'
import { combine } from './proof.ts'
import { keyOf, knowing, newSigner, type Signer } from './testing/signer.ts'
import type { TrustStore } from './trust-store.ts'

const root = mkdtempSync(join(tmpdir(), 'openracing-bundle-'))
after(() => rmSync(root, { recursive: true }))

const [ours, theirs] = [newSigner(), newSigner()]

const [artefactSha256, manifestSha256] = ['ab'.repeat(32), 'cd'.repeat(32)]
const payload = statementPayload({
  digests: new Map([
    ['x.so', artefactSha256],
    ['plugin.yaml', manifestSha256],
  ]),
  ...{ pluginId: 'id', version: '1.2.0', expiresMs: null },
})

/** A file with an envelope that these signed, or with this text. */
function written(by: readonly Signer[] | string, names = true): string {
  const path = join(mkdtempSync(join(root, 'plugin-')), 'plugin.sig.json')
  const signatures =
    typeof by === 'string'
      ? []
      : by.map(({ privateKey, fingerprint }) => ({
          bytes: sign(null, preAuthEncoding(payload), privateKey),
          fingerprint: names ? fingerprint : null,
        }))
  writeFileSync(path, typeof by === 'string' ? by : formatBundle(payload, signatures))
  return path
}

function requestFor(path: string, part: object = {}, demanded = false): VerifyArtefactRequest {
  const bundle = {
    directory: path && dirname(path),
    artefact: 'x.so',
    manifest: 'plugin.yaml',
    manifestSha256,
    pluginId: 'id',
    newestVersion: '',
  }
  return VerifyArtefactRequest.fromPartial({ bundle: { ...bundle, ...part }, requireBundleSignature: demanded })
}

const assess = (path: string, keys: TrustStore, part?: object, demanded?: boolean) =>
  assessBundle(requestFor(path, part, demanded), artefactSha256, keys, 0)

test('an envelope counts as what its keys are worth, whether they are named in it or not', () => {
  for (const names of [true, false]) {
    const path = written([ours], names)
    for (const [level, finding, version] of [
      ['Trusted', 'trusted', '1.2.0'],
      ['Unknown', 'unknown key', ''],
      ['Distrusted', 'distrusted', ''],
    ] as const) {
      const proof = assess(path, knowing(keyOf(ours, level)))
      assert.deepEqual(
        [proof.assessments.map((one) => one.finding), proof.fault, proof.version],
        [[finding], null, version],
      )
      assert.equal(proof.assessments[0]?.fingerprint, ours.fingerprint)
    }
  }
})

test('of several signatures the worst counts, but for those by nobody that is known', () => {
  const path = written([ours, theirs])
  const found = (keys: TrustStore) => combine(assess(path, keys).assessments).finding
  assert.equal(found(knowing(keyOf(ours, 'Trusted'))), 'trusted')
  assert.equal(found(knowing(keyOf(ours, 'Trusted'), keyOf(theirs, 'Distrusted'))), 'distrusted')
  assert.equal(found(knowing()), 'unknown key')
})

test('a signature over anything else is a bad proof', () => {
  const path = join(mkdtempSync(join(root, 'plugin-')), 'plugin.sig.json')
  // Over the payload without its type, as a plugin's own sidecar would be.
  writeFileSync(
    path,
    formatBundle(payload, [{ bytes: sign(null, payload, ours.privateKey), fingerprint: ours.fingerprint }]),
  )
  assert.equal(assess(path, knowing(keyOf(ours, 'Trusted'))).assessments[0]?.finding, 'bad proof')
})

test('a fault is a fault whoever signed', () => {
  for (const keys of [knowing(), knowing(keyOf(ours, 'Trusted'))]) {
    const path = written([ours])
    assert.equal(assess(path, keys, { manifestSha256: '00'.repeat(32) }).fault?.code, 'BUNDLE_MANIFEST_CHANGED')
    assert.equal(assess(path, keys, { newestVersion: '2.0.0' }).fault?.code, 'BUNDLE_ROLLBACK')
    assert.equal(assess(path, keys, { pluginId: 'other' }).fault?.code, 'BUNDLE_INVALID')
  }
})

test('what is there and cannot be read is a fault, and what is not there is none', () => {
  assert.equal(assess(written('{'), knowing()).fault?.code, 'BUNDLE_INVALID')
  assert.equal(assess(written(' '.repeat(70_000)), knowing()).fault?.code, 'BUNDLE_INVALID')
  const directory = mkdtempSync(join(root, 'plugin-'))
  mkdirSync(join(directory, 'plugin.sig.json'))
  assert.equal(assess(join(directory, 'plugin.sig.json'), knowing()).fault?.code, 'BUNDLE_INVALID')
  for (const path of ['', join(root, 'none', 'none')]) {
    assert.deepEqual(assess(path, knowing()), { assessments: [], fault: null, version: '' })
  }
})

test('where one is demanded, one by a trusted key is needed', () => {
  const fault = (path: string, keys: TrustStore) => assess(path, keys, {}, true).fault
  assert.equal(fault(written([ours]), knowing(keyOf(ours, 'Trusted'))), null)
  for (const [path, keys] of [
    ['', knowing(keyOf(ours, 'Trusted'))],
    [written([ours]), knowing()],
    [written([ours]), knowing(keyOf(ours, 'Unknown'))],
  ] as const) {
    assert.equal(fault(path, keys)?.code, 'BUNDLE_MISSING')
    assert.match(fault(path, keys)?.detail ?? '', /require_bundle_signature demands one by a trusted key$/)
  }
})
