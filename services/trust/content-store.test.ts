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

async function newStore() {
  const directory = join(mkdtempSync(join(root, 'rig-')), 'state', 'store')
  return { directory, store: await openContentStore(directory) }
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
