import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { always, edited, editsWith, named, oddText, pathsIn, put, refusalOf, type Tree } from '../../test/hostile.ts'
import { hostileBytes, hostileValues } from './testing/hostile-json.ts'
import { keyOf, knowing, newSigner } from './testing/signer.ts'
import { openTrustFile } from './trust-file.ts'
import { formatTrustStore, parseTrustStore } from './trust-store.ts'

// A store is read whole or trusts nobody; nobody is trusted who was not, and what is there is not written over.

const root = mkdtempSync(join(tmpdir(), 'openracing-hostile-'))
after(() => rmSync(root, { recursive: true }))

const signer = newSigner()
const stranger = newSigner()
const good = formatTrustStore(knowing(keyOf(signer, 'Trusted'), keyOf(stranger, 'Distrusted')))
const tree = JSON.parse(good) as Tree
const mark = '"the value under test"'
const source = { file: 'trust_store.json', code: 'CONFIG_INVALID' } as const

/** Whether the text is refused. One that is read may trust nobody but him whom it trusted. */
function isRefused(text: string, shown: string): boolean {
  const act = (): void => {
    for (const { fingerprint, level } of parseTrustStore(text, source).values())
      assert.ok(level !== 'Trusted' || fingerprint === signer.fingerprint, `${fingerprint} is trusted by ${shown}`)
  }
  return refusalOf(act, ['CONFIG_INVALID'], shown) !== undefined
}

test('the store that the variants are made of is good', () => assert.equal(isRefused(good, 'it'), false))

test('whatever stands anywhere in a store is what it has to be, or nobody is trusted', () => {
  const free = /\.(public_key\.(identifier|comment)|reason)$/
  for (const path of pathsIn(tree)) {
    const text = JSON.stringify(put(tree, path, 'the value under test'), null, 1)
    for (const value of hostileValues) {
      const shown = `${value.slice(0, 60)} at ${named(path)}`
      const refused = isRefused(
        text.replace(mark, () => value),
        shown,
      )
      const isFree = free.test(named(path)) || (named(path).endsWith('user_modifiable') && value === 'true')
      assert.ok(refused || isFree || (path.length === 0 && value === '{}'), shown)
    }
  }
})

test('whatever is missing, too much or there twice, nobody is trusted', () => {
  const optional = /\.(public_key\.comment|reason)$|^[0-9a-f]{64}$/
  for (const path of pathsIn(tree).slice(1)) {
    const text = JSON.stringify(put(tree, path, undefined))
    assert.equal(isRefused(text, named(path)), !optional.test(named(path)), named(path))
  }
  for (const key of ['admin', 'constructor', '', signer.fingerprint.toUpperCase()])
    assert.ok(isRefused(JSON.stringify({ ...tree, [key]: tree[signer.fingerprint] }), key))
  assert.ok(isRefused(`{"__proto__": ${good}}`, '__proto__'))
  assert.ok(
    isRefused(good.replace('{', `{"${signer.fingerprint}": ${JSON.stringify(tree[signer.fingerprint])},`), 'twice'),
  )
})

test('one byte of a key, or of a fingerprint, that is another one makes the store worthless', () => {
  const bytes = [...signer.raw]
  const path = [signer.fingerprint, 'public_key', 'key_bytes']
  assert.equal(isRefused(JSON.stringify(put(tree, path, bytes)), 'numbers'), false)
  for (const other of [
    bytes.with(0, (bytes[0] ?? 0) ^ 1),
    bytes.with(3, 256),
    bytes.with(3, -1),
    bytes.with(3, 1.5),
    bytes.slice(1),
    [...bytes, 0],
    bytes.map(String),
  ])
    assert.ok(isRefused(JSON.stringify(put(tree, path, other)), `${other}`))
  const base64 = Buffer.from(bytes).toString('base64')
  const spare = `${base64.slice(0, 42)}${String.fromCharCode(base64.charCodeAt(42) + 1)}=`
  for (const other of [spare, base64.slice(0, -1), `${base64}\n`, ` ${base64}`, Buffer.from(bytes).toString('hex')])
    assert.ok(isRefused(JSON.stringify(put(tree, path, other)), other))
})

test('a store changed at random trusts nobody who was not trusted', () => {
  const edits = editsWith(fc.oneof(fc.constantFrom(...hostileValues, stranger.fingerprint, '"Trusted"'), oddText))
  const property = fc.property(edits, (changes) => {
    const text = edited(good, changes)
    isRefused(text, text.slice(0, 300))
  })
  always('a trust store', property, 1500)
})

test('a file that is no store is refused, and stays as it is whatever is asked', () => {
  const file = join(mkdtempSync(join(root, 'rig-')), 'trust_store.json')
  const keys = openTrustFile(file)
  const change = () => keys.change((now) => ({ keys: now, answer: undefined }))
  for (const [what, content] of hostileBytes(good)) {
    writeFileSync(file, content)
    const before = readFileSync(file)
    for (const act of [keys.read, change]) assert.notEqual(refusalOf(act, ['CONFIG_INVALID'], what), undefined, what)
    assert.ok(readFileSync(file).equals(before), what)
  }
})

test('a directory, a FIFO, a device or a link in a circle in its place trusts nobody, and nobody waits for it', () => {
  const file = join(mkdtempSync(join(root, 'rig-')), 'trust_store.json')
  const keys = openTrustFile(file)
  const makes: readonly (() => void)[] = [
    () => mkdirSync(file),
    () => void execFileSync('mkfifo', [file]),
    () => symlinkSync('/dev/zero', file),
    () => symlinkSync(file, file),
  ]
  for (const make of makes) {
    make()
    assert.notEqual(refusalOf(keys.read, ['CONFIG_INVALID', 'FILE_MISSING'], 'it'), undefined)
    rmSync(file, { recursive: true })
  }
})
