import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash, sign } from 'node:crypto'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type ServiceError, status } from '@grpc/grpc-js'
import { pino } from 'pino'
import {
  Decision,
  Finding,
  JudgeKeysRequest,
  type JudgeKeysResponse,
  TrustServiceClient,
  TrustServiceService,
  VerifyArtefactRequest,
  type VerifyArtefactResponse,
} from '../../gen/proto/openracing/v1/trust.ts'
import { serveOnSocket } from '../../rpc/testing/on-socket.ts'
import { artefactMaxBytes, sha256Of } from './artefact.ts'
import { formatBundle, preAuthEncoding, statementPayload } from './bundle.ts'
import { openContentStore } from './content-store.ts'
import { fingerprint, parsePublicKey } from './ed25519.ts'
import { trustHandlers } from './service.ts'
import { newSigner, type Signer } from './testing/signer.ts'
import { openTrustFile } from './trust-file.ts'

const signatureOf = (bytes: Uint8Array, signer: Signer): string =>
  sign(null, bytes, signer.privateKey).toString('base64')

const sidecarOf = (signature: string, print: string): string =>
  JSON.stringify({
    signature,
    key_fingerprint: print,
    signer: 'Developer Name',
    timestamp: '2024-01-15T10:30:00Z',
    content_type: 'Plugin',
  })

const nowMs = Date.UTC(2026, 0, 2)

const strict = { requireSignatures: true, allowUnsigned: false }
const permissive = { requireSignatures: true, allowUnsigned: true }
const development = { requireSignatures: false, allowUnsigned: true }

/** A trust service on a socket of its own, with its own keys and plugins. */
async function startRig() {
  const root = mkdtempSync(join(tmpdir(), 'openracing-trust-'))
  const trustStore = join(root, 'trust_store.json')
  const storeDirectory = join(root, 'store')
  const log = pino({ level: 'silent' })
  const contents = await openContentStore(storeDirectory, Date.now)
  const handlers = trustHandlers({ keys: openTrustFile(trustStore), contents, nowMs: () => nowMs, log })
  const socket = join(root, 'trust.sock')
  const { client, close } = await serveOnSocket(socket, TrustServiceService, handlers, TrustServiceClient)
  let plugins = 0
  return {
    root,
    trustStore,
    storeDirectory,
    /** Writes an artefact into a plugin directory of its own and returns its path. */
    artefact(content: string | Uint8Array): string {
      const directory = join(root, `plugin-${++plugins}`)
      mkdirSync(directory)
      const path = join(directory, 'libplugin.so')
      writeFileSync(path, content)
      return path
    },
    know(
      ...keys: readonly (readonly [
        signer: Pick<Signer, 'raw' | 'fingerprint'>,
        level: 'Trusted' | 'Unknown' | 'Distrusted',
      ])[]
    ): void {
      const entries = keys.map(([signer, level]) => [
        signer.fingerprint,
        {
          public_key: { key_bytes: [...signer.raw], identifier: 'dev', comment: 'a comment' },
          trust_level: level,
          added_at: '2024-01-15T10:30:00Z',
          reason: 'a reason',
          user_modifiable: level !== 'Distrusted',
        },
      ])
      writeFileSync(trustStore, JSON.stringify(Object.fromEntries(entries)))
    },
    judgeKeys(request: Partial<JudgeKeysRequest>): Promise<JudgeKeysResponse> {
      return new Promise((resolve, reject) => {
        const whole = JudgeKeysRequest.fromPartial({ ...strict, ...request })
        client.judgeKeys(whole, (error, response) => (error ? reject(error) : resolve(response)))
      })
    },
    verify(path: string, request: Partial<VerifyArtefactRequest> = strict): Promise<VerifyArtefactResponse> {
      const whole = VerifyArtefactRequest.fromPartial({ path, ...strict, ...request })
      return new Promise((resolve, reject) => {
        client.verifyArtefact(whole, (error, response) => (error ? reject(error) : resolve(response)))
      })
    },
    async [Symbol.asyncDispose]() {
      await close()
      rmSync(root, { recursive: true })
    },
  }
}

const isStatus = (code: status, text: RegExp) => (error: ServiceError) =>
  error.code === code && text.test(error.details)

test('an artefact signed by a trusted key loads from a copy of exactly the bytes that were judged', async () => {
  await using rig = await startRig()
  const signer = newSigner()
  rig.know([signer, 'Trusted'])
  const bytes = Buffer.from('\x7fELF of a plugin')
  const path = rig.artefact(bytes)
  writeFileSync(`${path}.sig`, sidecarOf(signatureOf(bytes, signer), signer.fingerprint))
  const answer = await rig.verify(path)
  assert.equal(answer.finding, Finding.FINDING_TRUSTED)
  assert.equal(answer.decision, Decision.DECISION_LOAD)
  assert.equal(answer.sha256, createHash('sha256').update(bytes).digest('hex'))
  assert.equal(answer.verifiedPath, join(rig.storeDirectory, answer.sha256))
  writeFileSync(path, 'replaced after the check')
  assert.deepEqual(readFileSync(answer.verifiedPath), bytes)
})

test('one changed byte of a signed artefact is a bad proof in every mode', async () => {
  await using rig = await startRig()
  const signer = newSigner()
  rig.know([signer, 'Trusted'])
  const path = rig.artefact('hostile')
  writeFileSync(`${path}.sig`, sidecarOf(signatureOf(Buffer.from('honest!'), signer), signer.fingerprint))
  for (const mode of [strict, permissive, development]) {
    const answer = await rig.verify(path, mode)
    assert.equal(answer.finding, Finding.FINDING_BAD_PROOF)
    assert.equal(answer.decision, Decision.DECISION_REFUSE)
    assert.equal(answer.verifiedPath, '')
    assert.match(answer.reason, /libplugin\.so\.sig is not a signature of these bytes by dev \([0-9a-f]{64}\)/)
  }
  assert.deepEqual(readdirSync(rig.storeDirectory), [], 'nothing that was refused is kept')
})

test('an unsigned artefact is refused in strict mode and loads with a warning where unsigned ones may', async () => {
  await using rig = await startRig()
  const path = rig.artefact('unsigned')
  const refused = await rig.verify(path)
  assert.equal(refused.finding, Finding.FINDING_UNSIGNED)
  assert.equal(refused.decision, Decision.DECISION_REFUSE)
  assert.equal(
    refused.reason,
    `${path}: it has no signature; strict mode refuses it: sign it, or set plugins.native.allow_unsigned to true while you develop it`,
  )
  for (const mode of [permissive, development]) {
    const answer = await rig.verify(path, mode)
    assert.equal(answer.decision, Decision.DECISION_LOAD_WITH_WARNING)
    assert.equal(readFileSync(answer.verifiedPath, 'utf8'), 'unsigned')
  }
  assert.equal(
    (await rig.verify(path, { requireSignatures: false, allowUnsigned: false })).decision,
    Decision.DECISION_REFUSE,
  )
})

test('a signature by a key that is absent or of level Unknown loads in development only', async () => {
  await using rig = await startRig()
  const [absent, unknown] = [newSigner(), newSigner()]
  rig.know([unknown, 'Unknown'])
  for (const signer of [absent, unknown]) {
    const path = rig.artefact('plugin')
    writeFileSync(`${path}.sig`, sidecarOf(signatureOf(Buffer.from('plugin'), signer), signer.fingerprint))
    for (const [mode, decision] of [
      [strict, Decision.DECISION_REFUSE],
      [permissive, Decision.DECISION_REFUSE],
      [development, Decision.DECISION_LOAD_WITH_WARNING],
    ] as const) {
      const answer = await rig.verify(path, mode)
      assert.equal(answer.finding, Finding.FINDING_UNKNOWN_KEY)
      assert.equal(answer.decision, decision)
    }
  }
})

test('distrusting a key counts from the next call on, in every mode', async () => {
  await using rig = await startRig()
  const signer = newSigner()
  const path = rig.artefact('plugin')
  writeFileSync(`${path}.sig`, sidecarOf(signatureOf(Buffer.from('plugin'), signer), signer.fingerprint))
  rig.know([signer, 'Trusted'])
  assert.equal((await rig.verify(path)).decision, Decision.DECISION_LOAD)
  rig.know([signer, 'Distrusted'])
  for (const mode of [strict, permissive, development]) {
    const answer = await rig.verify(path, mode)
    assert.equal(answer.finding, Finding.FINDING_DISTRUSTED)
    assert.equal(answer.decision, Decision.DECISION_REFUSE)
  }
})

test('the signature of a manifest counts by the key that it names, and by any trusted key when it names none', async () => {
  await using rig = await startRig()
  const [trusted, other] = [newSigner(), newSigner()]
  rig.know([other, 'Unknown'], [trusted, 'Trusted'])
  const bytes = Buffer.from('plugin')
  const path = rig.artefact(bytes)
  const findingBy = async (manifestSignature: string, manifestSignerFingerprint: string) =>
    (await rig.verify(path, { manifestSignature, manifestSignerFingerprint })).finding
  const good = signatureOf(bytes, trusted)
  assert.equal(await findingBy(good, trusted.fingerprint), Finding.FINDING_TRUSTED)
  assert.equal(await findingBy(good, trusted.fingerprint.toUpperCase()), Finding.FINDING_TRUSTED)
  assert.equal(await findingBy(good, ''), Finding.FINDING_TRUSTED)
  assert.equal(await findingBy(good, other.fingerprint), Finding.FINDING_BAD_PROOF)
  assert.equal(await findingBy(good, newSigner().fingerprint), Finding.FINDING_UNKNOWN_KEY)
  assert.equal(await findingBy(signatureOf(bytes, other), ''), Finding.FINDING_UNKNOWN_KEY)
  assert.equal(await findingBy(signatureOf(bytes, newSigner()), ''), Finding.FINDING_BAD_PROOF)
  assert.equal(await findingBy('base64-encoded-ed25519-signature', ''), Finding.FINDING_BAD_PROOF)
})

test('a wrong signature in the manifest is not made good by a right one beside the artefact, nor the other way', async () => {
  await using rig = await startRig()
  const signer = newSigner()
  rig.know([signer, 'Trusted'])
  const bytes = Buffer.from('plugin')
  const path = rig.artefact(bytes)
  const [good, bad] = [signatureOf(bytes, signer), signatureOf(Buffer.from('other'), signer)]
  const names = { manifestSignerFingerprint: signer.fingerprint }
  writeFileSync(`${path}.sig`, sidecarOf(good, signer.fingerprint))
  assert.equal((await rig.verify(path, { ...names, manifestSignature: good })).finding, Finding.FINDING_TRUSTED)
  assert.equal((await rig.verify(path, { ...names, manifestSignature: bad })).finding, Finding.FINDING_BAD_PROOF)
  writeFileSync(`${path}.sig`, sidecarOf(bad, signer.fingerprint))
  assert.equal((await rig.verify(path, { ...names, manifestSignature: good })).finding, Finding.FINDING_BAD_PROOF)
})

test('a signature by a distrusted key outweighs one by a trusted key, and an unknown key takes nothing away', async () => {
  await using rig = await startRig()
  const [trusted, distrusted] = [newSigner(), newSigner()]
  rig.know([trusted, 'Trusted'], [distrusted, 'Distrusted'])
  const bytes = Buffer.from('plugin')
  const path = rig.artefact(bytes)
  writeFileSync(`${path}.sig`, sidecarOf(signatureOf(bytes, trusted), trusted.fingerprint))
  const also = async (signer: Signer) =>
    (
      await rig.verify(path, {
        manifestSignature: signatureOf(bytes, signer),
        manifestSignerFingerprint: signer.fingerprint,
      })
    ).finding
  assert.equal(await also(distrusted), Finding.FINDING_DISTRUSTED)
  assert.equal(await also(newSigner()), Finding.FINDING_TRUSTED)
})

test('a trust store that was tampered with trusts nobody, says so, and stays as it is', async () => {
  await using rig = await startRig()
  const signer = newSigner()
  rig.know([signer, 'Trusted'])
  const tampered = readFileSync(rig.trustStore, 'utf8').replace(signer.fingerprint, 'ab'.repeat(32))
  writeFileSync(rig.trustStore, tampered)
  const path = rig.artefact('plugin')
  writeFileSync(`${path}.sig`, sidecarOf(signatureOf(Buffer.from('plugin'), signer), signer.fingerprint))
  await assert.rejects(
    rig.verify(path),
    isStatus(status.UNAVAILABLE, /^SERVICE_UNAVAILABLE: nobody is trusted, .*trust_store\.json:1:.*nothing loads/),
  )
  assert.equal(readFileSync(rig.trustStore, 'utf8'), tampered)
})

test('what openssl signs verifies', async (t) => {
  await using rig = await startRig()
  const path = rig.artefact('signed on the command line')
  const [secret, publicPem, raw] = ['secret.pem', 'public.pem', 'raw.sig'].map((name) => join(rig.root, name)) as [
    string,
    string,
    string,
  ]
  const openssl = (...args: readonly string[]) => execFileSync('openssl', args, { stdio: 'pipe' })
  try {
    openssl('version')
  } catch {
    t.skip('there is no openssl command on this machine')
    return
  }
  openssl('genpkey', '-algorithm', 'ED25519', '-out', secret)
  openssl('pkey', '-in', secret, '-pubout', '-out', publicPem)
  openssl('pkeyutl', '-sign', '-rawin', '-inkey', secret, '-in', path, '-out', raw)
  const key = parsePublicKey(readFileSync(publicPem, 'utf8'))
  const print = fingerprint(key)
  rig.know([{ raw: key, fingerprint: print }, 'Trusted'])
  writeFileSync(join(path, '..', 'libplugin.sig'), sidecarOf(readFileSync(raw).toString('base64'), print))
  assert.equal((await rig.verify(path)).decision, Decision.DECISION_LOAD)
})

test('an artefact that cannot be judged is an error and not a refusal', async () => {
  await using rig = await startRig()
  const missing = join(rig.root, 'none.so')
  await assert.rejects(rig.verify(missing), isStatus(status.NOT_FOUND, /^FILE_MISSING: /))
  await assert.rejects(
    rig.verify('libplugin.so'),
    isStatus(status.INVALID_ARGUMENT, /^REQUEST_INVALID: .*absolute path/),
  )
  await assert.rejects(rig.verify(rig.root), isStatus(status.INVALID_ARGUMENT, /^PLUGIN_INVALID: .*not a regular file/))
  const empty = rig.artefact('')
  await assert.rejects(rig.verify(empty), isStatus(status.INVALID_ARGUMENT, /^PLUGIN_INVALID: .*is empty/))
  const large = rig.artefact('')
  truncateSync(large, artefactMaxBytes + 1)
  await assert.rejects(rig.verify(large), isStatus(status.INVALID_ARGUMENT, /has 67108865 bytes; the most is 67108864/))
  const link = join(rig.root, 'link.so')
  symlinkSync(rig.artefact('plugin'), link)
  await assert.rejects(rig.verify(link), isStatus(status.INVALID_ARGUMENT, /is a symbolic link/))
  const fifo = join(rig.root, 'fifo.so')
  execFileSync('mkfifo', [fifo])
  await assert.rejects(rig.verify(fifo), isStatus(status.INVALID_ARGUMENT, /not a regular file/))
})

const manifestSha256 = 'cd'.repeat(32)

/** Writes the envelope of a plugin, signed by these, and says what a host would ask about it. */
function bundleOf(path: string, signers: readonly Signer[], part: { version?: string; expiresMs?: number } = {}) {
  const digests = new Map([
    ['libplugin.so', sha256Of(readFileSync(path))],
    ['plugin.yaml', manifestSha256],
  ])
  const payload = statementPayload({ pluginId: 'id', version: '1.2.0', expiresMs: null, ...part, digests })
  const signatures = signers.map(({ privateKey, fingerprint }) => ({
    bytes: sign(null, preAuthEncoding(payload), privateKey),
    fingerprint,
  }))
  const directory = join(path, '..')
  writeFileSync(join(directory, 'plugin.sig.json'), formatBundle(payload, signatures))
  const about = { directory, artefact: 'libplugin.so', manifest: 'plugin.yaml', manifestSha256, pluginId: 'id' }
  return { bundle: { ...about, newestVersion: '' } }
}

test('a bundle by a trusted key vouches for the artefact, and says whose word and which version it was', async () => {
  await using rig = await startRig()
  const signer = newSigner()
  rig.know([signer, 'Trusted'])
  const path = rig.artefact('plugin')
  const answer = await rig.verify(path, bundleOf(path, [signer]))
  assert.deepEqual([answer.decision, answer.failure, answer.bundleVersion], [Decision.DECISION_LOAD, '', '1.2.0'])
  assert.deepEqual([answer.keyFingerprints, answer.bundleKeyFingerprints], [[], [signer.fingerprint]])
})

test('what was not signed is refused in every mode under its own code, whatever the artefact has beside it', async () => {
  await using rig = await startRig()
  const signer = newSigner()
  rig.know([signer, 'Trusted'])
  const path = rig.artefact('plugin')
  writeFileSync(`${path}.sig`, sidecarOf(signatureOf(Buffer.from('plugin'), signer), signer.fingerprint))
  const { bundle } = bundleOf(path, [signer])
  const refusal = async (request: object, mode: object) => {
    const { decision, failure, verifiedPath, keyFingerprints } = await rig.verify(path, { ...mode, ...request })
    assert.deepEqual([decision, verifiedPath, keyFingerprints], [Decision.DECISION_REFUSE, '', []])
    return failure
  }
  for (const mode of [strict, permissive, development]) {
    assert.equal(
      await refusal({ bundle: { ...bundle, manifestSha256: '00'.repeat(32) } }, mode),
      'BUNDLE_MANIFEST_CHANGED',
    )
    assert.equal(await refusal({ bundle: { ...bundle, newestVersion: '1.3.0' } }, mode), 'BUNDLE_ROLLBACK')
    assert.equal(await refusal({ bundle: { ...bundle, pluginId: 'other' } }, mode), 'BUNDLE_INVALID')
  }
  const other = rig.artefact('another')
  writeFileSync(`${other}.sig`, sidecarOf(signatureOf(Buffer.from('another'), signer), signer.fingerprint))
  writeFileSync(join(other, '..', 'plugin.sig.json'), readFileSync(join(path, '..', 'plugin.sig.json')))
  const swapped = await rig.verify(other, { ...development, bundle: { ...bundle, directory: join(other, '..') } })
  assert.equal(swapped.failure, 'BUNDLE_ARTEFACT_SUBSTITUTED')
  assert.equal(await refusal(bundleOf(path, [signer], { expiresMs: nowMs }), development), 'BUNDLE_EXPIRED')
})

test('a bundle by nobody that is known is refused where such a key is, although the artefact is by a trusted one', async () => {
  await using rig = await startRig()
  const [vendor, stranger] = [newSigner(), newSigner()]
  rig.know([vendor, 'Trusted'])
  const path = rig.artefact('plugin')
  writeFileSync(`${path}.sig`, sidecarOf(signatureOf(Buffer.from('plugin'), vendor), vendor.fingerprint))
  const request = bundleOf(path, [stranger])
  for (const mode of [strict, permissive]) {
    const { decision, failure, finding } = await rig.verify(path, { ...mode, ...request })
    assert.deepEqual(
      [decision, failure, finding],
      [Decision.DECISION_REFUSE, 'PLUGIN_UNTRUSTED', Finding.FINDING_UNKNOWN_KEY],
    )
  }
  const answer = await rig.verify(path, { ...development, ...request })
  assert.equal(answer.decision, Decision.DECISION_LOAD_WITH_WARNING)
  assert.deepEqual(
    [answer.keyFingerprints, answer.bundleKeyFingerprints],
    [[vendor.fingerprint], [stranger.fingerprint]],
  )
})

test('keys are judged again as the artefact that they signed would be', async () => {
  await using rig = await startRig()
  const [a, b] = [newSigner(), newSigner()]
  const path = rig.artefact('plugin')
  writeFileSync(`${path}.sig`, sidecarOf(signatureOf(Buffer.from('plugin'), a), a.fingerprint))
  const request = bundleOf(path, [a, b])
  const modes = [strict, permissive, development, { ...strict, requireBundleSignature: true }]
  rig.know([a, 'Trusted'], [b, 'Trusted'])
  const { keyFingerprints, bundleKeyFingerprints } = await rig.verify(path, { ...strict, ...request })
  assert.deepEqual(
    [keyFingerprints, [...bundleKeyFingerprints].sort()],
    [[a.fingerprint], [a.fingerprint, b.fingerprint].sort()],
  )
  const levels = ['Trusted', 'Unknown', 'Distrusted', undefined] as const
  for (const [levelA, levelB] of levels.flatMap((one) => levels.map((other) => [one, other] as const))) {
    const known = (
      [
        [a, levelA],
        [b, levelB],
      ] as const
    ).flatMap(([key, level]) => (level === undefined ? [] : [[key, level] as const]))
    rig.know(...known)
    for (const mode of modes) {
      const fresh = await rig.verify(path, { ...mode, ...request })
      const again = await rig.judgeKeys({ ...mode, keyFingerprints, bundleKeyFingerprints })
      const what = `${levelA} and ${levelB} in ${JSON.stringify(mode)}`
      assert.equal(again.decision, fresh.decision, what)
    }
  }
})

test('where a bundle by a trusted key is demanded, keys are judged by those of the bundle alone', async () => {
  await using rig = await startRig()
  const [trusted, stranger] = [newSigner(), newSigner()]
  rig.know([trusted, 'Trusted'])
  const judged = async (bundle: readonly Signer[], mode: object) =>
    rig.judgeKeys({
      ...mode,
      keyFingerprints: [trusted.fingerprint],
      bundleKeyFingerprints: bundle.map(({ fingerprint }) => fingerprint),
    })
  for (const mode of [strict, permissive, development]) {
    const demanding = { ...mode, requireBundleSignature: true }
    assert.equal((await judged([], mode)).decision, Decision.DECISION_LOAD)
    assert.equal((await judged([trusted], demanding)).decision, Decision.DECISION_LOAD)
    for (const bundle of [[], [stranger]]) {
      const { decision, reason } = await judged(bundle, demanding)
      assert.equal(decision, Decision.DECISION_REFUSE)
      assert.match(reason, /require_bundle_signature demands one by a trusted key; it is refused in every mode/)
    }
  }
})

test('a store that cannot be read, or is gone from beside its copy, judges nothing in any mode', async () => {
  await using rig = await startRig()
  const signer = newSigner()
  const path = rig.artefact('plugin')
  const unjudged = isStatus(
    status.UNAVAILABLE,
    /^SERVICE_UNAVAILABLE: nobody is trusted, because the trust store cannot be read/,
  )
  const vices = [
    () => writeFileSync(rig.trustStore, '{"half": '),
    () => {
      writeFileSync(`${rig.trustStore}.previous`, '{}')
      rmSync(rig.trustStore)
    },
  ]
  for (const vice of vices) {
    rig.know([signer, 'Distrusted'])
    vice()
    for (const mode of [strict, permissive, development]) {
      await assert.rejects(rig.verify(path, mode), unjudged)
      await assert.rejects(rig.judgeKeys({ ...mode, keyFingerprints: [signer.fingerprint] }), unjudged)
    }
  }
})

/** As MIDIMon's tool signs: the 32 bytes of the module's SHA-256. */
function midimonSidecar(bytes: Uint8Array, { raw, privateKey }: Signer, part: object = {}): string {
  const sha256 = Buffer.from(sha256Of(bytes), 'hex')
  return JSON.stringify({
    ...{ version: 1, algorithm: 'Ed25519', plugin_hash: sha256.toString('hex'), plugin_size: bytes.length },
    ...{ public_key: Buffer.from(raw).toString('hex'), signature: sign(null, sha256, privateKey).toString('hex') },
    ...{ signed_at: '2025-11-19T08:59:12Z', developer: { name: 'Your Name', email: 'you@example.com' }, ...part },
  })
}

test('a signature of MIDIMon’s tool goes through the same table', async () => {
  await using rig = await startRig()
  const [known, stranger] = [newSigner(), newSigner()]
  rig.know([known, 'Trusted'])
  const bytes = Buffer.from('a module')
  const findingBy = async (text: string): Promise<Finding> => {
    const path = rig.artefact(bytes)
    writeFileSync(`${path}.sig`, text)
    return (await rig.verify(path)).finding
  }
  assert.equal(await findingBy(midimonSidecar(bytes, known)), Finding.FINDING_TRUSTED)
  assert.equal(await findingBy(midimonSidecar(bytes, stranger)), Finding.FINDING_UNKNOWN_KEY)
  assert.equal(await findingBy(midimonSidecar(Buffer.from('another'), known)), Finding.FINDING_BAD_PROOF)
  assert.equal(await findingBy(midimonSidecar(bytes, known, { plugin_size: 7 })), Finding.FINDING_BAD_PROOF)
  // Over the module itself, and over the hash where the module was meant: neither is the other.
  const overBytes = sign(null, bytes, known.privateKey).toString('hex')
  assert.equal(await findingBy(midimonSidecar(bytes, known, { signature: overBytes })), Finding.FINDING_BAD_PROOF)
  const overHash = sign(null, Buffer.from(sha256Of(bytes), 'hex'), known.privateKey).toString('base64')
  assert.equal(await findingBy(sidecarOf(overHash, known.fingerprint)), Finding.FINDING_BAD_PROOF)
})
