import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { pino } from 'pino'
import {
  AddKeyRequest,
  type AddKeyResponse,
  type DistrustKeyResponse,
  type ExportKeysResponse,
  type ImportKeysResponse,
  KeyServiceClient,
  KeyServiceService,
  type ListKeysResponse,
  type RemoveKeyResponse,
  TrustLevel,
} from '../../gen/proto/openracing/v1/key.ts'
import { call } from '../../rpc/client.ts'
import { serveOnSocket } from '../../rpc/testing/on-socket.ts'
import { keyHandlers } from './key-service.ts'
import { newSigner, type Signer } from './testing/signer.ts'
import { openTrustFile } from './trust-file.ts'

const { TRUST_LEVEL_TRUSTED: trusted, TRUST_LEVEL_DISTRUSTED: distrusted } = TrustLevel
const { TRUST_LEVEL_UNKNOWN: unknown, TRUST_LEVEL_UNSPECIFIED: unspecified } = TrustLevel

const entryOf = ({ raw }: Signer, part: object = {}) => ({
  public_key: { key_bytes: Buffer.from(raw).toString('base64'), identifier: 'somebody', comment: '' },
  trust_level: 'Trusted',
  added_at: '2024-01-15T10:30:00Z',
  reason: '',
  user_modifiable: true,
  ...part,
})

const storeOf = (...entries: readonly (readonly [Signer, object?])[]): string =>
  JSON.stringify(Object.fromEntries(entries.map(([pair, part]) => [pair.fingerprint, entryOf(pair, part)])))

const nowMs = Date.UTC(2026, 0, 2, 3, 4, 5)

async function startKeys(text?: string) {
  const root = mkdtempSync(join(tmpdir(), 'openracing-keys-'))
  const file = join(root, 'trust_store.json')
  if (text !== undefined) writeFileSync(file, text)
  const handlers = keyHandlers({ keys: openTrustFile(file), nowMs: () => nowMs, log: pino({ level: 'silent' }) })
  const socket = join(root, 'trust.sock')
  const { client, close } = await serveOnSocket(socket, KeyServiceService, handlers, KeyServiceClient)
  return {
    file,
    previous: `${file}.previous`,
    stored: (): unknown => JSON.parse(readFileSync(file, 'utf8')),
    list: async () => (await call<ListKeysResponse>((done) => client.listKeys({}, done))).keys,
    add: (part: Parameters<typeof AddKeyRequest.fromPartial>[0]) =>
      call<AddKeyResponse>((done) => client.addKey(AddKeyRequest.fromPartial(part), done)),
    distrust: (print: string, reason = '') =>
      call<DistrustKeyResponse>((done) => client.distrustKey({ fingerprint: print, reason }, done)),
    remove: (print: string) => call<RemoveKeyResponse>((done) => client.removeKey({ fingerprint: print }, done)),
    import: (trustStore: string) => call<ImportKeysResponse>((done) => client.importKeys({ trustStore }, done)),
    export: async (includeSystem: boolean) =>
      (await call<ExportKeysResponse>((done) => client.exportKeys({ includeSystem }, done))).trustStore,
    async [Symbol.asyncDispose]() {
      await close()
      rmSync(root, { recursive: true })
    },
  }
}

const pem = (value: string) => ({ $case: 'pem' as const, value })
const raw = (value: Uint8Array) => ({ $case: 'raw' as const, value: Buffer.from(value) })

test('a key is added as PEM or as raw bytes, and stands in the file as the guide has it', async () => {
  await using rig = await startKeys()
  const [one, two] = [newSigner(), newSigner()]
  const first = await rig.add({
    publicKey: pem(one.pem),
    trustLevel: trusted,
    reason: 'Verified developer',
    identifier: 'dev',
  })
  assert.equal(first.previousLevel, unspecified)
  assert.equal(first.key?.fingerprint, one.fingerprint)
  assert.deepEqual(rig.stored(), {
    [one.fingerprint]: {
      public_key: { key_bytes: Buffer.from(one.raw).toString('base64'), identifier: 'dev', comment: '' },
      trust_level: 'Trusted',
      added_at: '2026-01-02T03:04:05.000Z',
      reason: 'Verified developer',
      user_modifiable: true,
    },
  })
  await rig.add({ publicKey: raw(two.raw), trustLevel: unknown })
  assert.deepEqual(
    (await rig.list()).map((key) => [key.fingerprint, key.trustLevel]),
    [
      [one.fingerprint, trusted],
      [two.fingerprint, unknown],
    ].sort(),
  )
})

test('a key that is added again has another level and keeps its name and its day', async () => {
  const one = newSigner()
  await using rig = await startKeys(storeOf([one, { trust_level: 'Distrusted' }]))
  const before = readFileSync(rig.file, 'utf8')
  const again = await rig.add({ publicKey: pem(one.pem), trustLevel: trusted, reason: 'it was a mistake' })
  assert.equal(again.previousLevel, distrusted)
  const [key] = await rig.list()
  assert.deepEqual(
    [key?.identifier, key?.addedAt, key?.reason, key?.trustLevel],
    ['somebody', '2024-01-15T10:30:00Z', 'it was a mistake', trusted],
  )
  assert.equal(readFileSync(rig.previous, 'utf8'), before)
})

test('a key is distrusted and removed by its fingerprint, in either case', async () => {
  const one = newSigner()
  await using rig = await startKeys(storeOf([one]))
  const answer = await rig.distrust(one.fingerprint.toUpperCase(), 'its owner lost it')
  assert.deepEqual([answer.previousLevel, answer.key?.trustLevel], [trusted, distrusted])
  assert.equal((await rig.list())[0]?.reason, 'its owner lost it')
  assert.equal((await rig.remove(one.fingerprint)).key?.reason, 'its owner lost it')
  assert.deepEqual(await rig.list(), [])
  assert.deepEqual(rig.stored(), {})
})

test('no call replaces, lowers or removes a system key', async () => {
  const system = newSigner()
  await using rig = await startKeys(storeOf([system, { user_modifiable: false }]))
  const before = readFileSync(rig.file, 'utf8')
  const isProtected = { code: 'KEY_PROTECTED', message: /is a system key/ }
  for (const trustLevel of [trusted, unknown, distrusted]) {
    await assert.rejects(rig.add({ publicKey: pem(system.pem), trustLevel }), isProtected)
  }
  await assert.rejects(rig.distrust(system.fingerprint), isProtected)
  await assert.rejects(rig.remove(system.fingerprint), isProtected)
  const { added, kept } = await rig.import(storeOf([system, { trust_level: 'Distrusted' }]))
  assert.deepEqual([added.length, kept.map((key) => [key.trustLevel, key.userModifiable])], [0, [[trusted, false]]])
  assert.deepEqual(JSON.parse(readFileSync(rig.file, 'utf8')), JSON.parse(before))
})

test('an import brings what is not there, changes nothing that is, and makes no system keys', async () => {
  const [ours, theirs, foreign] = [newSigner(), newSigner(), newSigner()]
  await using rig = await startKeys(storeOf([ours, { trust_level: 'Distrusted' }]))
  const { added, kept } = await rig.import(
    storeOf([ours], [theirs], [foreign, { user_modifiable: false, trust_level: 'Unknown' }]),
  )
  assert.deepEqual(added.map((key) => key.fingerprint).sort(), [theirs.fingerprint, foreign.fingerprint].sort())
  assert.deepEqual(
    kept.map((key) => [key.fingerprint, key.trustLevel]),
    [[ours.fingerprint, distrusted]],
  )
  const levels = Object.fromEntries((await rig.list()).map((key) => [key.fingerprint, key.trustLevel]))
  assert.deepEqual(levels, {
    [ours.fingerprint]: distrusted,
    [theirs.fingerprint]: trusted,
    [foreign.fingerprint]: unknown,
  })
  assert.ok((await rig.list()).every((key) => key.userModifiable))
})

test('an import in which one fingerprint is not that of its key is refused whole', async () => {
  await using rig = await startKeys()
  const [one, two, three] = [newSigner(), newSigner(), newSigner()]
  const forged = JSON.stringify({ [one.fingerprint]: entryOf(one), [two.fingerprint]: entryOf(three) })
  await assert.rejects(rig.import(forged), { code: 'REQUEST_INVALID', message: /the fingerprint of its key is/ })
  for (const text of ['', '[]', '7', '{"half": ']) {
    await assert.rejects(rig.import(text), { code: 'REQUEST_INVALID' }, text)
  }
  assert.equal(existsSync(rig.file), false)
})

test('an import with a name that would paint the terminal is refused whole', async () => {
  await using rig = await startKeys()
  const forged = { public_key: { key_bytes: [...good.raw], identifier: 'a\u001b[2J', comment: '' } }
  await assert.rejects(rig.import(storeOf([newSigner()], [good, forged])), {
    code: 'REQUEST_INVALID',
    message: /identifier of [0-9a-f]{64} is "a\\u001b\[2J"; write one line of text/,
  })
  assert.equal(existsSync(rig.file), false)
})

test('an export is what another rig imports, with the system keys when they are asked for', async () => {
  const [ours, system] = [newSigner(), newSigner()]
  await using rig = await startKeys(storeOf([ours], [system, { user_modifiable: false }]))
  assert.deepEqual(Object.keys(JSON.parse(await rig.export(false))), [ours.fingerprint])
  const whole = await rig.export(true)
  assert.deepEqual(Object.keys(JSON.parse(whole)), [ours.fingerprint, system.fingerprint].sort())
  await using other = await startKeys()
  assert.equal((await other.import(whole)).added.length, 2)
  assert.ok((await other.list()).every((key) => key.userModifiable))
})

test('a store that cannot be read is never written, by no call', async () => {
  const one = newSigner()
  for (const text of ['{"half": ', '', storeOf([one]).replace(one.fingerprint, newSigner().fingerprint)]) {
    await using rig = await startKeys(text)
    const calls = [
      () => rig.add({ publicKey: pem(one.pem), trustLevel: trusted }),
      () => rig.distrust(one.fingerprint),
      () => rig.remove(one.fingerprint),
      () => rig.import(storeOf([one])),
      () => rig.export(true),
      () => rig.list(),
    ]
    for (const ask of calls) await assert.rejects(ask(), { code: 'CONFIG_INVALID' })
    assert.equal(readFileSync(rig.file, 'utf8'), text)
    assert.equal(existsSync(rig.previous), false)
  }
})

test('who cannot read the store is told where the last good one is', async () => {
  const one = newSigner()
  await using rig = await startKeys(storeOf([one]))
  await rig.distrust(one.fingerprint)
  writeFileSync(rig.file, '{"half": ')
  await assert.rejects(rig.list(), {
    message: /is not valid JSON.*before the last change is in .*trust_store\.json\.previous$/,
  })
})

const good = newSigner()
const x25519 = generateKeyPairSync('x25519').publicKey.export({ format: 'pem', type: 'spki' }).toString()
const secret = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()

const refusals: readonly (readonly [what: string, part: object, sentence: RegExp])[] = [
  ['no key', { publicKey: undefined }, /public_key is missing/],
  ['a private key', { publicKey: pem(secret) }, /is a private key/],
  ['a key of another kind', { publicKey: pem(x25519) }, /only ed25519/],
  ['text that is no key', { publicKey: pem('-----BEGIN PUBLIC KEY-----') }, /is not PEM of a public key/],
  ['31 bytes', { publicKey: raw(good.raw.subarray(1)) }, /has 31 bytes, not 32/],
  ['the key of 32 zero bytes', { publicKey: raw(new Uint8Array(32)) }, /small order/],
  ['no level', { trustLevel: unspecified }, /trust_level is missing/],
  ['a level that there is not', { trustLevel: 7 }, /trust_level is missing/],
  ['a reason of two lines', { reason: 'one\ntwo' }, /reason is "one\\ntwo"; write one line/],
  ['a reason that paints the terminal', { reason: '\x1b[31m' }, /write one line of text/],
  ['a reason without end', { reason: 'x'.repeat(1001) }, /has 1001 characters; the most is 1000/],
  ['a name without end', { identifier: 'x'.repeat(201) }, /has 201 characters; the most is 200/],
]

for (const [what, part, sentence] of refusals) {
  test(`${what} is refused, and nothing is written`, async () => {
    await using rig = await startKeys()
    const request = { publicKey: pem(good.pem), trustLevel: trusted, ...part } as Parameters<typeof rig.add>[0]
    await assert.rejects(rig.add(request), { code: 'REQUEST_INVALID', message: sentence })
    assert.equal(existsSync(rig.file), false)
  })
}

test('a fingerprint that is none, or of no key here, is refused', async () => {
  await using rig = await startKeys(storeOf([good]))
  for (const ask of [rig.remove, (print: string) => rig.distrust(print)]) {
    await assert.rejects(ask('abc'), { code: 'REQUEST_INVALID', message: /fingerprint is "abc"; give 64 hex digits/ })
    await assert.rejects(ask(newSigner().fingerprint), { code: 'KEY_UNKNOWN', message: /wheelctl trust list/ })
  }
})
