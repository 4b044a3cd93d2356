import assert from 'node:assert/strict'
import {
  chmodSync,
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
import { after, test } from 'node:test'
import { type Artefact, sha256Of } from './artefact.ts'
import { openContentStore } from './content-store.ts'

const root = mkdtempSync(join(tmpdir(), 'openracing-store-'))
after(() => rmSync(root, { recursive: true }))

const artefactOf = (text: string): Artefact => ({ bytes: Buffer.from(text), sha256: sha256Of(Buffer.from(text)) })

async function newStore(nowMs: () => number = Date.now) {
  const directory = join(mkdtempSync(join(root, 'rig-')), 'state', 'store')
  return { directory, store: await openContentStore(directory, nowMs) }
}

test('a copy has the name of its hash, the bytes that were judged, and nobody may write it', async () => {
  const { directory, store } = await newStore()
  const artefact = artefactOf('a plugin')
  const path = await store.put(artefact)
  assert.equal(path, join(directory, artefact.sha256))
  assert.equal(readFileSync(path, 'utf8'), 'a plugin')
  assert.equal(statSync(path).mode & 0o777, 0o400)
  assert.equal(statSync(directory).mode & 0o777, 0o700)
  assert.deepEqual(readdirSync(directory), [artefact.sha256])
})

test('an intact copy is used as it is', async () => {
  const { store } = await newStore()
  const first = statSync(await store.put(artefactOf('same')))
  assert.equal(statSync(await store.put(artefactOf('same'))).ino, first.ino)
})

test('a copy that somebody changed, truncated, opened for writing or replaced by a link is made anew', async () => {
  const { directory, store } = await newStore()
  const path = await store.put(artefactOf('honest'))
  const elsewhere = join(directory, '..', 'evil')
  writeFileSync(elsewhere, 'honest', { mode: 0o400 })
  const rewrite = (content: string): void => {
    chmodSync(path, 0o600)
    writeFileSync(path, content)
    chmodSync(path, 0o400)
  }
  const replaceByLink = (): void => {
    rmSync(path)
    symlinkSync(elsewhere, path)
  }
  const vices = [() => rewrite('hostile'), () => rewrite(''), () => chmodSync(path, 0o644), replaceByLink]
  for (const vice of vices) {
    vice()
    assert.equal(await store.put(artefactOf('honest')), path)
    assert.equal(readFileSync(path, 'utf8'), 'honest')
    assert.equal(statSync(path).mode & 0o777, 0o400)
    assert.notEqual(statSync(path).ino, statSync(elsewhere).ino)
  }
})

test('the same artefact put many times at once is one whole copy', async () => {
  const { directory, store } = await newStore()
  const artefact = artefactOf('x'.repeat(1_000_000))
  const paths = await Promise.all(Array.from({ length: 8 }, () => store.put(artefact)))
  assert.equal(new Set(paths).size, 1)
  assert.deepEqual(readdirSync(directory), [artefact.sha256])
  assert.equal(sha256Of(readFileSync(paths[0] as string)), artefact.sha256)
})

test('a copy that cannot be put in its place leaves nothing half-written behind', async () => {
  const { directory, store } = await newStore()
  const artefact = artefactOf('blocked')
  mkdirSync(join(directory, artefact.sha256))
  await assert.rejects(store.put(artefact))
  assert.deepEqual(readdirSync(directory), [artefact.sha256])
})

test('what nobody runs is removed when it is an hour old, and nothing else', async () => {
  let nowMs = Date.now()
  const { directory, store } = await newStore(() => nowMs)
  const [kept, old, wanted] = ['kept', 'nobody runs it', 'asked for again'].map(artefactOf) as [
    Artefact,
    Artefact,
    Artefact,
  ]
  for (const artefact of [kept, old, wanted]) await store.put(artefact)
  const part = '.0b0e2bd6-8f36-4d3e-9f0b-3a2f4f1f6a10.part'
  for (const name of [part, 'README', '.hidden']) writeFileSync(join(directory, name), 'x')
  mkdirSync(join(directory, 'ab'.repeat(32)))
  assert.deepEqual(await store.collect(new Set()), { removed: 0, removedBytes: 0 }, 'all of it is young')
  nowMs += 3_600_000 + 5000
  await store.put(wanted)
  const collected = await store.collect(new Set([kept.sha256]))
  assert.deepEqual(collected, { removed: 2, removedBytes: old.bytes.length + 1 })
  const left = [kept.sha256, wanted.sha256, 'README', '.hidden', 'ab'.repeat(32)]
  assert.deepEqual(readdirSync(directory).sort(), left.sort())
})

test('a copy that is put while copies are collected is there afterwards', async () => {
  let nowMs = Date.now()
  const { store } = await newStore(() => nowMs)
  const artefact = artefactOf('x'.repeat(100_000))
  for (let round = 0; round < 50; round++) {
    await store.put(artefact)
    nowMs += 3_600_000 + 5000
    const [path] = await Promise.all([store.put(artefact), store.collect(new Set()), store.collect(new Set())])
    assert.equal(sha256Of(readFileSync(path)), artefact.sha256)
  }
})
