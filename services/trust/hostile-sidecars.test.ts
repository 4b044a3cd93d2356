import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash, sign } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import {
  always,
  edited,
  editsWith,
  named,
  oddText,
  oneLine,
  type Path,
  pathsIn,
  put,
  type Tree,
} from '../../test/hostile.ts'
import { assessSignature, combine } from './proof.ts'
import { readSidecars } from './sidecar.ts'
import { hostileBytes, hostileValues } from './testing/hostile-json.ts'
import { keyOf, knowing, newSigner } from './testing/signer.ts'

// Whatever lies beside an artefact is a proof or a bad proof: never nothing, and never the end of the service.

const root = mkdtempSync(join(tmpdir(), 'openracing-hostile-'))
after(() => rmSync(root, { recursive: true }))

const signer = newSigner()
const keys = knowing(keyOf(signer, 'Trusted'))
const bytes = Buffer.from('the artefact')
const digest = createHash('sha256').update(bytes).digest()
const artefact = { bytes, sha256: digest.toString('hex') }
const signature = sign(null, bytes, signer.privateKey)

const ours: Tree = {
  signature: signature.toString('base64'),
  key_fingerprint: signer.fingerprint,
  signer: 'Somebody',
  timestamp: '2024-01-15T10:30:00Z',
  content_type: 'Plugin',
  comment: 'for people',
}

const midimon: Tree = {
  version: 1,
  algorithm: 'Ed25519',
  plugin_hash: artefact.sha256,
  plugin_size: bytes.length,
  public_key: Buffer.from(signer.raw).toString('hex'),
  signature: sign(null, digest, signer.privateKey).toString('hex'),
  signed_at: '2025-11-19T08:59:12Z',
  developer: { name: 'Somebody', email: 'somebody@example.com' },
}

const newPlugin = (): string => join(mkdtempSync(join(root, 'plugin-')), 'x.wasm')

/** What the proofs beside an artefact come to. What is said of them has to fit a line. */
function findingOf(path: string): string {
  const answer = readSidecars(path)
  if (answer.kind === 'bad') {
    assert.match(answer.sentence, oneLine)
    return 'bad proof'
  }
  const { finding, detail } = combine(answer.signatures.map((each) => assessSignature(artefact, each, keys)))
  assert.match(detail, oneLine)
  return finding
}

const plugin = newPlugin()

/** What one file beside the artefact comes to. */
function findingWith(content: string | Uint8Array, name = 'x.wasm.sig'): string {
  writeFileSync(join(dirname(plugin), name), content)
  const finding = findingOf(plugin)
  rmSync(join(dirname(plugin), name))
  return finding
}

const pretty = (value: unknown): string => JSON.stringify(value, null, 1)

for (const [kind, good, free] of [
  ['ours', ours, /^(signer|comment|timestamp)/],
  ['MIDIMon’s', midimon, /^(developer|signed_at)/],
] as const) {
  test(`a sidecar of ${kind} is good as it is, under both of its names`, () => {
    for (const name of ['x.wasm.sig', 'x.sig']) assert.equal(findingWith(pretty(good), name), 'trusted')
    assert.equal(findingWith(`\ufeff${pretty(good)}`), 'trusted')
  })

  test(`whatever stands anywhere in one of ${kind}, it is there`, () => {
    const mark = '"the value under test"'
    for (const path of pathsIn(good)) {
      const text = pretty(put(good, path, 'the value under test'))
      for (const value of hostileValues) {
        const finding = findingWith(text.replace(mark, () => value))
        // What is for people may be any text.
        const wanted = free.test(named(path)) && finding === 'trusted' ? 'trusted' : 'bad proof'
        assert.equal(finding, wanted, `${value.slice(0, 60)} at ${named(path)}`)
      }
    }
  })

  test(`whatever is missing in one of ${kind}, or too much, it is there`, () => {
    const optional = (path: Path): boolean => /^(comment|developer\.email)$/.test(named(path))
    for (const path of pathsIn(good).slice(1))
      assert.equal(
        findingWith(pretty(put(good, path, undefined))),
        optional(path) ? 'trusted' : 'bad proof',
        named(path),
      )
    for (const key of ['admin', 'constructor', 'toString', ''])
      assert.equal(findingWith(pretty({ ...good, [key]: 1 })), 'bad proof', key)
    const [first = ''] = Object.keys(good)
    assert.equal(findingWith(pretty(good).replace('{', `{"${first}": 1,`)), 'bad proof', 'a key twice')
    assert.equal(findingWith(pretty(good).replace('{', `{"__proto__": ${pretty(good)},`)), 'bad proof')
    assert.equal(findingWith(`{"__proto__": ${pretty(good)}}`), 'bad proof')
  })

  test(`one of ${kind} that is cut, or changed at random, is there`, () => {
    const text = pretty(good)
    for (let length = 0; length < text.length; length += 3)
      assert.equal(findingWith(text.slice(0, length)), 'bad proof')
    const edits = editsWith(fc.oneof(fc.constantFrom(...hostileValues), oddText))
    const property = fc.property(edits, (changes) => assert.notEqual(findingWith(edited(text, changes)), 'unsigned'))
    always(`a sidecar of ${kind}`, property, 1000)
  })
}

test('bytes that are no sidecar are a bad proof under either name', () => {
  for (const [what, content] of hostileBytes(pretty(ours))) {
    for (const name of ['x.wasm.sig', 'x.sig']) assert.equal(findingWith(content, name), 'bad proof', what)
  }
})

test('base64 is what the bytes are written as, and nothing else', () => {
  const base64 = String(ours.signature)
  const spare = `${base64.slice(0, 85)}${String.fromCharCode(base64.charCodeAt(85) + 1)}==`
  const urlSafe = base64.replaceAll('+', '-').replaceAll('/', '_')
  const others = [
    ...[spare, base64.slice(0, -2), base64.slice(0, -1), `${base64}=`, `${base64}\n`, ` ${base64}`, `${base64}AAAA`],
    ...[
      base64.replace(/^.{40}/, '$&\n'),
      base64.replace(/^.{40}/, '$& '),
      signature.toString('hex'),
      `data:,${base64}`,
    ],
    ...(urlSafe === base64 ? [] : [urlSafe]),
  ]
  for (const other of others) assert.equal(findingWith(pretty({ ...ours, signature: other })), 'bad proof', other)
})

test('a fingerprint is 64 hex digits in either case, and nothing else', () => {
  const print = signer.fingerprint
  assert.equal(findingWith(pretty({ ...ours, key_fingerprint: print.toUpperCase() })), 'trusted')
  for (const other of [
    print.slice(1),
    `${print}0`,
    `sha256:${print}`,
    ` ${print}`,
    `${print}\n`,
    print.replace(/../g, '$&:'),
    '０'.repeat(64),
  ])
    assert.equal(findingWith(pretty({ ...ours, key_fingerprint: other })), 'bad proof', other)
  assert.equal(findingWith(pretty({ ...ours, key_fingerprint: 'ab'.repeat(32) })), 'unknown key')
})

test('a time is one of RFC 3339, of a day that there is', () => {
  for (const other of [
    'now',
    '2024-01-15',
    '2024-02-30T10:30:00Z',
    '2024-01-15T25:00:00Z',
    '2024-01-15T10:30:00',
    '1705314600',
    '2024-01-15T10:30:00+99:00',
    '+012024-01-15T10:30:00Z',
  ])
    assert.equal(findingWith(pretty({ ...ours, timestamp: other })), 'bad proof', other)
})

test('two that do not say the same are a bad proof, whatever the other is', () => {
  const path = newPlugin()
  const beside = (name: string): string => join(dirname(path), name)
  writeFileSync(beside('x.wasm.sig'), pretty(ours))
  for (const [what, content] of [
    ...hostileBytes(pretty(ours)),
    ['other bytes', pretty({ ...ours, signature: Buffer.alloc(64, 1).toString('base64') })],
  ] as const) {
    writeFileSync(beside('x.sig'), content)
    assert.equal(findingOf(path), 'bad proof', what)
  }
})

// ---- what is no file of its own

test('a link that leads out of the directory, nowhere or in a circle is a bad proof, and tells nothing of what it leads to', () => {
  const path = newPlugin()
  const elsewhere = join(root, 'elsewhere.sig')
  writeFileSync(elsewhere, pretty(ours))
  writeFileSync(join(root, 'secret'), 'root:x:0:0:the secret')
  for (const target of [
    elsewhere,
    '../elsewhere.sig',
    '/nowhere',
    '/dev/zero',
    '/dev/stdin',
    '/proc/self/environ',
    '/',
    'x.wasm.sig',
    join(root, 'secret'),
  ]) {
    for (const name of ['x.wasm.sig', 'x.sig']) {
      symlinkSync(target, join(dirname(path), name))
      const answer = readSidecars(path)
      assert.ok(answer.kind === 'bad', target)
      assert.match(answer.sentence, /is a link that leads (nowhere|out of its directory); put the file itself there$/)
      rmSync(join(dirname(path), name))
    }
  }
  writeFileSync(join(dirname(path), 'x.sig'), pretty(ours))
  symlinkSync('x.sig', join(dirname(path), 'x.wasm.sig'))
  assert.equal(findingOf(path), 'trusted', 'a link within the directory')
})

test('a FIFO, a directory or a socket in the place of a sidecar is a bad proof, and nobody waits for it', async () => {
  const path = newPlugin()
  for (const file of [`${path}.sig`, path.replace('wasm', 'sig')]) {
    execFileSync('mkfifo', [file])
    assert.equal(findingOf(path), 'bad proof')
    rmSync(file)
    mkdirSync(file)
    assert.equal(findingOf(path), 'bad proof')
    rmSync(file, { recursive: true })
    const server = createServer().listen(file)
    await once(server, 'listening')
    assert.equal(findingOf(path), 'bad proof')
    await new Promise((closed) => server.close(closed))
  }
  assert.equal(findingOf(path), 'unsigned')
})

/** Writes the file anew without end, until it is told to stop: cut, torn, whole, another, moved into place. */
const writer = `
const { writeFileSync, renameSync } = require('node:fs')
const { parentPort, workerData: { file, texts } } = require('node:worker_threads')
let stopped = false
parentPort.on('message', () => { stopped = true })
function round(n) {
  if (stopped) return parentPort.close()
  for (const text of texts) writeFileSync(file, text)
  writeFileSync(file + '.new', texts[n % texts.length])
  renameSync(file + '.new', file)
  setImmediate(round, n + 1)
}
writeFileSync(file, texts[0])
parentPort.postMessage('begun')
round(0)
`

test('a sidecar that is written while it is read is this one, that one or a bad proof, and never none', async () => {
  const path = newPlugin()
  const texts = [
    pretty(ours),
    pretty({ ...ours, comment: 'x'.repeat(60_000) }),
    '',
    pretty(ours).slice(0, 100),
    pretty({ ...ours, comment: 'y'.repeat(70_000) }),
  ]
  const worker = new Worker(writer, { eval: true, workerData: { file: `${path}.sig`, texts } })
  await once(worker, 'message')
  const found = new Set<string>()
  for (let n = 0; n < 1000; n++) found.add(findingOf(path))
  worker.postMessage('stop')
  await once(worker, 'exit')
  for (const finding of found) assert.ok(['trusted', 'bad proof'].includes(finding), finding)
})

test('of a sidecar that comes and goes it is told what is there at the time', () => {
  const path = newPlugin()
  writeFileSync(`${path}.sig`, pretty(ours))
  assert.equal(findingOf(path), 'trusted')
  renameSync(`${path}.sig`, `${path}.gone`)
  assert.equal(findingOf(path), 'unsigned')
})
