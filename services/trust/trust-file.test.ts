import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { fingerprint } from './ed25519.ts'
import { openTrustFile } from './trust-file.ts'
import { formatTrustStore, type TrustedKey, type TrustStore } from './trust-store.ts'

const root = mkdtempSync(join(tmpdir(), 'openracing-keys-'))
after(() => rmSync(root, { recursive: true }))
const newFile = (): string => join(mkdtempSync(join(root, 'rig-')), 'trust_store.json')

function newKey(comment = ''): TrustedKey {
  const raw = randomBytes(32)
  raw[31] = 0x55
  const notes = { identifier: 'dev', comment, reason: '', addedAt: '2024-01-15T10:30:00Z' }
  return { raw, fingerprint: fingerprint(raw), level: 'Trusted', userModifiable: true, ...notes }
}

const storeOf = (...keys: readonly TrustedKey[]): TrustStore => new Map(keys.map((key) => [key.fingerprint, key]))

test('without a file nobody is trusted, and a file is made by the first change, for this user alone', () => {
  const file = newFile()
  const keys = openTrustFile(file)
  assert.equal(keys.read().size, 0)
  assert.equal(existsSync(file), false)
  const one = newKey()
  assert.equal(
    keys.change(() => ({ keys: storeOf(one), answer: 7 })),
    7,
  )
  assert.deepEqual([...keys.read().keys()], [one.fingerprint])
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.deepEqual(readdirSync(join(file, '..')), ['trust_store.json'])
})

test('what an operator writes into the file counts at once', () => {
  const [file, other] = [newFile(), newFile()]
  const keys = openTrustFile(file)
  openTrustFile(other).change(() => ({ keys: storeOf(newKey(), newKey()), answer: undefined }))
  writeFileSync(file, readFileSync(other))
  assert.equal(keys.read().size, 2)
})

test('a change that throws, or cannot be read again for its size, changes nothing on the disk', () => {
  const file = newFile()
  const keys = openTrustFile(file)
  keys.change(() => ({ keys: storeOf(newKey()), answer: undefined }))
  const before = readFileSync(file, 'utf8')
  const boom = new Error('boom')
  assert.throws(
    () =>
      keys.change(() => {
        throw boom
      }),
    boom,
  )
  const many = Array.from({ length: 1000 }, () => newKey('x'.repeat(1000)))
  assert.throws(() => keys.change(() => ({ keys: storeOf(...many), answer: undefined })), {
    code: 'CONFIG_INVALID',
    message: /^CONFIG_INVALID: 1000 keys are \d+ bytes, more than the 1048576 of a trust store; remove some first$/,
  })
  assert.equal(readFileSync(file, 'utf8'), before)
  assert.deepEqual(readdirSync(join(file, '..')), ['trust_store.json'])
})

test('a directory in which nothing can be written is told, and the keys stay as they are', () => {
  const file = newFile()
  const keys = openTrustFile(file)
  mkdirSync(`${file}.new`)
  assert.throws(() => keys.change(() => ({ keys: storeOf(newKey()), answer: undefined })), {
    code: 'CONFIG_INVALID',
    message: /trust_store\.json cannot be written \(/,
  })
  assert.equal(keys.read().size, 0)
})

test('what somebody writes while a change is under way is not lost', () => {
  const file = newFile()
  const keys = openTrustFile(file)
  const [first, byHand, added] = [newKey(), newKey(), newKey()]
  keys.change(() => ({ keys: storeOf(first), answer: undefined }))
  let tries = 0
  keys.change((now) => {
    if (++tries === 1) writeFileSync(file, formatTrustStore(storeOf(first, byHand)))
    return { keys: new Map([...now, ...storeOf(added)]), answer: undefined }
  })
  assert.equal(tries, 2)
  assert.deepEqual([...keys.read().keys()].sort(), [first, byHand, added].map((key) => key.fingerprint).sort())
  const endless = () => {
    writeFileSync(file, formatTrustStore(storeOf(newKey())))
    return { keys: storeOf(added), answer: undefined }
  }
  assert.throws(() => keys.change(endless), { code: 'CONFIG_INVALID', message: /is being changed all the time/ })
})

test('a store that is gone from beside its copy is no empty one, and a link that leads in a circle has a stamp', () => {
  const file = newFile()
  const keys = openTrustFile(file)
  keys.change(() => ({ keys: storeOf(newKey()), answer: undefined }))
  keys.change((now) => ({ keys: now, answer: undefined }))
  rmSync(file)
  const missing = {
    code: 'CONFIG_INVALID',
    message: /trust_store\.json is missing; .*\.previous; restore it, or write \{\}/,
  }
  assert.throws(() => keys.read(), missing)
  assert.throws(() => keys.change(() => ({ keys: storeOf(), answer: undefined })), missing)
  writeFileSync(file, '{}')
  assert.equal(keys.read().size, 0)
  rmSync(file)
  symlinkSync(file, file)
  assert.equal(keys.stamp(), 'ELOOP')
})

const writer = fileURLToPath(new URL('testing/key-writer.ts', import.meta.url))

test('whenever the service is killed, the keys that it had told of are there, and the file is whole', async () => {
  const file = newFile()
  let known = 0
  for (let round = 0; round < 25; round++) {
    const child = spawn(process.execPath, [writer, file], { stdio: ['ignore', 'pipe', 'inherit'] })
    const printed = text(child.stdout)
    await once(child.stdout, 'data')
    await delay(Math.random() * 30)
    child.kill('SIGKILL')
    const told = (await printed).split('\n').filter((line) => line.length === 64)
    const keys = openTrustFile(file).read()
    assert.ok(told.length > 0 && told.every((print) => keys.has(print)))
    // One more may have been written and not been told of.
    assert.ok(
      [told.length, told.length + 1].includes(keys.size - known),
      `${keys.size - known} keys, ${told.length} told`,
    )
    known = keys.size
  }
})
