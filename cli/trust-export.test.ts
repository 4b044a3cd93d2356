import assert from 'node:assert/strict'
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { writeExport } from './trust-export.ts'

/** A home with a store, or with the place for one. */
function newHome(store?: string) {
  const directory = mkdtempSync(join(tmpdir(), 'openracing-export-'))
  mkdirSync(join(directory, 'home'))
  const at = (...names: readonly string[]): string => join(directory, ...names)
  if (store !== undefined) writeFileSync(at('home', 'trust_store.json'), store)
  return {
    at,
    files: (): readonly string[] => readdirSync(directory, { recursive: true }).map(String).sort(),
    export: (file: string) => writeExport(file, 'exported', at('home', 'trust_store.json')),
    [Symbol.dispose]: () => rmSync(directory, { recursive: true }),
  }
}

test('the store of the rig is not written, by whatever way it is named', async () => {
  using it = newHome('all keys')
  const store = it.at('home', 'trust_store.json')
  symlinkSync(store, it.at('link'))
  linkSync(store, it.at('hard'))
  symlinkSync(it.at('home'), it.at('way'))
  const before = it.files()
  for (const file of [store, it.at('link'), it.at('hard'), it.at('way', 'trust_store.json')]) {
    await assert.rejects(
      it.export(file),
      /^RigError: REQUEST_INVALID: .* is the trust store of this rig.*; name another/,
    )
  }
  assert.equal(readFileSync(store, 'utf8'), 'all keys')
  assert.deepEqual(it.files(), before)
})

test('nor is one made that was not there', async () => {
  using it = newHome()
  symlinkSync(it.at('home'), it.at('way'))
  for (const way of ['home', 'way']) {
    await assert.rejects(it.export(it.at(way, 'trust_store.json')), { code: 'REQUEST_INVALID' })
  }
  assert.deepEqual(it.files(), ['home', 'way'])
})

test('a file is replaced whole, where a link leads to', async () => {
  using it = newHome('all keys')
  writeFileSync(it.at('old'), 'what was exported before')
  linkSync(it.at('old'), it.at('kept'))
  symlinkSync(it.at('old'), it.at('link'))
  await it.export(it.at('link'))
  assert.equal(readFileSync(it.at('old'), 'utf8'), 'exported')
  // Who has the old one open reads on in the old one.
  assert.equal(readFileSync(it.at('kept'), 'utf8'), 'what was exported before')
  assert.deepEqual(it.files(), ['home', 'home/trust_store.json', 'kept', 'link', 'old'])
})

test('a device is written into, and stays one', async () => {
  using it = newHome('all keys')
  symlinkSync('/dev/null', it.at('null'))
  await it.export(it.at('null'))
  assert.equal(readFileSync(it.at('null'), 'utf8'), '')
})

test('a directory that is not there is told', async () => {
  using it = newHome('all keys')
  await assert.rejects(it.export(it.at('none', 'keys.json')), /FILE_MISSING: .*keys\.json cannot be written .*; name/)
})
