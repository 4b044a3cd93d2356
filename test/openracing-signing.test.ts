import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { readGuide, withoutGuides } from './guide.ts'
import { startRig } from './rig/rig.ts'
import { commandFile } from './wheelctl.ts'

const bin = dirname(commandFile('wheelctl'))

/** The commands of the guide that begin so, as they are printed. */
function printed(...beginnings: readonly string[]): readonly string[] {
  const lines = readGuide('openracing-plugin-development-guide.md').split('\n')
  return beginnings.map((beginning) => {
    const found = lines.map((line) => line.trim()).find((line) => line.startsWith(beginning))
    assert.ok(found !== undefined, `the guide has a command ${beginning}`)
    return found
  })
}

/** A directory with a library in it, in which commands are run as a reader of the guide runs them. */
function workshop(home?: string) {
  const directory = mkdtempSync(join(tmpdir(), 'openracing-signing-'))
  writeFileSync(join(directory, 'libmy_plugin.so'), 'the bytes of a library')
  const environment = {
    ...process.env,
    PATH: `${bin}${delimiter}${process.env.PATH}`,
    ...(home === undefined ? {} : { OPENRACING_HOME: home }),
  }
  return {
    file: (name: string): string => join(directory, name),
    files: (): readonly string[] => readdirSync(directory).sort(),
    run: async (line: string): Promise<string> =>
      (await promisify(execFile)('bash', ['-euc', line], { cwd: directory, env: environment })).stdout,
    [Symbol.dispose]: () => rmSync(directory, { recursive: true }),
  }
}

test('the signing workflow of the guide runs as printed', { skip: withoutGuides }, async () => {
  using at = workshop()
  const [genpkey, pubout, print, sign, verify] = printed(
    'openssl genpkey',
    'openssl pkey',
    'wheelctl crypto fingerprint',
    'wheelctl plugin sign',
    'wheelctl plugin verify',
  ) as [string, string, string, string, string]
  await at.run(genpkey)
  await at.run(pubout)
  const fingerprint = (await at.run(print)).trim()
  assert.match(fingerprint, /^[0-9a-f]{64}$/)
  await at.run(sign)
  const sidecar = JSON.parse(readFileSync(at.file('libmy_plugin.so.sig'), 'utf8'))
  assert.deepEqual(
    [sidecar.key_fingerprint, sidecar.signer, sidecar.content_type],
    [fingerprint, 'Your Name', 'Plugin'],
  )
  assert.match(await at.run(verify), new RegExp(`is signed by ${fingerprint}`))
  assert.deepEqual(at.files(), ['libmy_plugin.so', 'libmy_plugin.so.sig', 'plugin_private.pem', 'plugin_public.pem'])
  await at.run('printf x >> libmy_plugin.so')
  await assert.rejects(at.run(verify), {
    code: 6,
    stderr: /^wheelctl: PLUGIN_UNTRUSTED: libmy_plugin\.so\.sig is not a/,
  })
})

test('the trust store commands of the guide run as printed', { skip: withoutGuides, timeout: 120_000 }, async () => {
  await using rig = await startRig()
  using at = workshop(rig.rig.home.configDir)
  const [add, list, remove, bring, take] = printed(
    'wheelctl trust add',
    'wheelctl trust list',
    'wheelctl trust remove',
    'wheelctl trust import',
    'wheelctl trust export',
  ) as [string, string, string, string, string]
  const print = JSON.parse(await at.run('wheelctl crypto keygen --json')).fingerprint
  assert.match(await at.run(add), new RegExp(`^${print} plugin_public: trusted \\(new\\)$`, 'm'))
  assert.match(await at.run(list), new RegExp(`^trusted +${print} +plugin_public +user .*Verified developer$`, 'm'))
  await at.run(take)
  assert.deepEqual(Object.keys(JSON.parse(readFileSync(at.file('my_keys.json'), 'utf8'))), [print])
  assert.deepEqual(Object.keys(JSON.parse(await at.run('wheelctl trust export --file - --json'))), [print])
  await assert.rejects(at.run('wheelctl trust export --file "$OPENRACING_HOME/trust_store.json"'), {
    code: 4,
    stderr: /is the trust store of this rig/,
  })
  assert.match(await at.run(remove.replace('<key-fingerprint>', print)), /removed \(was trusted\)/)
  assert.deepEqual(JSON.parse(await at.run('wheelctl trust list --json')), [])
  await at.run('cp my_keys.json trusted_keys.json')
  assert.match(await at.run(bring), /^1 added; 0 were there already/m)
  assert.match(await at.run(bring), /^0 added; 1 were there already/m)
  assert.match(
    await at.run(`wheelctl trust distrust --fingerprint ${print} --reason lost`),
    /distrusted \(was trusted\)/,
  )
  assert.match(await at.run('openracing-cli trust list'), /^distrusted .* lost$/m)
  await at.run('echo "{x}" > broken.json')
  await assert.rejects(at.run('wheelctl trust import --file broken.json'), {
    code: 4,
    stderr: /^wheelctl: REQUEST_INVALID: broken\.json /,
  })
  await assert.rejects(at.run(add.replace(/--level \S+/, '--level Foo')), {
    code: 4,
    stderr: 'wheelctl: REQUEST_INVALID: --level is "Foo"; write trusted, unknown or distrusted\n',
  })
  await assert.rejects(at.run('wheelctl trust remove --fingerprint 00'), { code: 4, stderr: /give 64 hex digits/ })
  await assert.rejects(at.run(`wheelctl trust remove --fingerprint ${'00'.repeat(32)}`), {
    code: 1,
    stderr: /KEY_UNKNOWN/,
  })
})

test('what openssl signs verifies, raw as it writes it, and what we sign verifies with openssl', async () => {
  using at = workshop()
  await at.run('wheelctl crypto keygen')
  await at.run('openssl pkeyutl -sign -rawin -inkey plugin_private.pem -in libmy_plugin.so -out raw')
  assert.match(
    await at.run('wheelctl plugin verify --library libmy_plugin.so --key plugin_public.pem --signature raw'),
    /is signed by/,
  )
  await at.run('wheelctl plugin sign --library libmy_plugin.so --key plugin_private.pem --signer us')
  const { signature } = JSON.parse(readFileSync(at.file('libmy_plugin.so.sig'), 'utf8'))
  writeFileSync(at.file('ours'), Buffer.from(signature, 'base64'))
  await at.run('openssl pkeyutl -verify -rawin -pubin -inkey plugin_public.pem -in libmy_plugin.so -sigfile ours')
})

test('a key pair is made once: nothing that is there is overwritten, and the private half is for its owner', async () => {
  using at = workshop()
  await at.run('wheelctl crypto keygen')
  assert.equal(statSync(at.file('plugin_private.pem')).mode & 0o777, 0o600)
  const before = ['plugin_private.pem', 'plugin_public.pem'].map((name) => readFileSync(at.file(name), 'utf8'))
  await assert.rejects(at.run('wheelctl crypto keygen'), { code: 4, stderr: /plugin_public\.pem is there already/ })
  await assert.rejects(at.run('wheelctl crypto keygen --public other.pem'), { code: 4, stderr: /EEXIST/ })
  assert.deepEqual(
    ['plugin_private.pem', 'plugin_public.pem'].map((name) => readFileSync(at.file(name), 'utf8')),
    before,
  )
  await assert.rejects(at.run('wheelctl crypto keygen --private new.pem --public none/x.pem'), { code: 4 })
  assert.deepEqual(at.files(), ['libmy_plugin.so', 'plugin_private.pem', 'plugin_public.pem'])
})

const refusals: readonly (readonly [what: string, line: string, code: number, stderr: RegExp])[] = [
  ['a library that is not there', 'sign --library none.so --key plugin_private.pem --signer me', 1, /FILE_MISSING/],
  ['a key that is not there', 'sign --library libmy_plugin.so --key none.pem --signer me', 1, /there is no file none/],
  ['the public half', 'sign --library libmy_plugin.so --key plugin_public.pem --signer me', 4, /is no private key/],
  ['the private half', 'verify --library libmy_plugin.so --key plugin_private.pem', 4, /is a private key/],
  [
    'an artefact without a signature',
    'verify --library libmy_plugin.so --key plugin_public.pem',
    6,
    /has no signature/,
  ],
  [
    'a raw signature of another length',
    'verify --library libmy_plugin.so --key plugin_public.pem --signature plugin_public.pem',
    4,
    /an Ed25519 signature has 64/,
  ],
  [
    'a key of RSA',
    'sign --library libmy_plugin.so --key rsa.pem --signer me',
    4,
    /of type rsa; plugins are signed with/,
  ],
  [
    'a key with a password',
    'sign --library libmy_plugin.so --key locked.pem --signer me',
    4,
    /is encrypted; decrypt it/,
  ],
]

test('what cannot be signed or verified is refused, and no signature is written', async (t) => {
  using at = workshop()
  await at.run('wheelctl crypto keygen')
  await at.run('openssl genrsa -out rsa.pem 2048 2>&1')
  await at.run('openssl pkey -in plugin_private.pem -aes256 -passout pass:x -out locked.pem')
  const before = at.files()
  for (const [what, line, code, stderr] of refusals) {
    await t.test(what, async () => {
      await assert.rejects(at.run(`wheelctl plugin ${line}`), { code, stderr })
      assert.deepEqual(at.files(), before)
    })
  }
})

test('a second signature under the other name, of another key, is in the way', async () => {
  using at = workshop()
  await at.run('wheelctl crypto keygen')
  const sign = 'wheelctl plugin sign --library libmy_plugin.so --signer me --key'
  await at.run(`${sign} plugin_private.pem && mv libmy_plugin.so.sig libmy_plugin.sig`)
  await at.run('wheelctl crypto keygen --private b.pem --public b_public.pem')
  await assert.rejects(at.run(`${sign} b.pem`), { code: 4, stderr: /libmy_plugin\.sig is another signature/ })
  await at.run(`${sign} plugin_private.pem`) // Ed25519 signs the same bytes the same way
  await at.run('wheelctl plugin verify --library libmy_plugin.so --key plugin_public.pem')
})

const manifest = `id: "1c8f3a53-74a2-4a0f-8f0a-2d1a2f6a2b11"
name: "my-plugin"
version: "1.2.0"
description: "A plugin."
author: "Us"
license: "MIT"
class: Fast
capabilities: []
operations: []
constraints: { max_execution_time_us: 200, max_memory_bytes: 65536, update_rate_hz: 1000 }
entry_points: { native_library: "libmy_plugin.so" }
`

test('where a manifest names the artefact, both are signed together', async () => {
  using at = workshop()
  writeFileSync(at.file('plugin.yaml'), manifest)
  await at.run('wheelctl crypto keygen')
  const sign = 'wheelctl plugin sign --library libmy_plugin.so --key plugin_private.pem --signer us'
  const verify = 'wheelctl plugin verify --library libmy_plugin.so --key plugin_public.pem'
  await at.run(`${sign} --expires 2999-01-01`)
  assert.match(await at.run(verify), /is signed by [0-9a-f]{64}, together with the manifest in /)
  const { payload } = JSON.parse(readFileSync(at.file('plugin.sig.json'), 'utf8'))
  const statement = JSON.parse(Buffer.from(payload, 'base64').toString())
  assert.deepEqual(
    [
      statement.subject.map(({ name }: { name: string }) => name),
      statement.predicate.version,
      statement.predicate.expires,
    ],
    [['libmy_plugin.so', 'plugin.yaml'], '1.2.0', '2999-01-01T00:00:00.000Z'],
  )
  // What openssl says of the bytes that DSSE has signed.
  writeFileSync(
    at.file('pae'),
    `DSSEv1 28 application/vnd.in-toto+json ${Buffer.from(payload, 'base64').length} ${Buffer.from(payload, 'base64')}`,
  )
  const { signatures } = JSON.parse(readFileSync(at.file('plugin.sig.json'), 'utf8'))
  writeFileSync(at.file('sig'), Buffer.from(signatures[0].sig, 'base64'))
  await at.run('openssl pkeyutl -verify -rawin -pubin -inkey plugin_public.pem -in pae -sigfile sig')
  await at.run('echo "# more" >> plugin.yaml')
  await assert.rejects(at.run(verify), {
    code: 6,
    stderr: /BUNDLE_MANIFEST_CHANGED: .*plugin\.sig\.json: the manifest/,
  })
  await at.run(sign)
  await at.run(verify)
  for (const never of ['1999-01-01', '2999-02-30', '2999-06-31T00:00Z', '2999-02-29', '2999-01-15 (soon)']) {
    await assert.rejects(at.run(`${sign} --expires "${never}"`), { code: 4, stderr: /it must be a time to come/ })
  }
})

const unfit: readonly (readonly [what: string, library: string, file: string, text: string, told: RegExp])[] = [
  [
    'names what is not built yet',
    'libmy_plugin.so',
    'plugin.yaml',
    manifest.replace('libmy_plugin.so', 'libmy_fast_plugin.so'),
    /libmy_fast_plugin\.so cannot be found .*; build it or correct entry_points$/m,
  ],
  [
    'names another file',
    'target/release/libmy_plugin.so',
    'plugin.yaml',
    manifest,
    /plugin\.yaml names the artefact libmy_plugin\.so, which is another file$/m,
  ],
  ['is no YAML', 'target/release/libmy_plugin.so', 'plugin.yaml', 'name: [', /plugin\.yaml:\d+:\d+: not valid YAML/],
  [
    'is of a kind that nothing here runs',
    'libmy_plugin.so',
    'plugin.toml',
    'name = "x"\nversion = "1.0.0"\n[library]\npath = "x.so"\n',
    /warning: .*plugin\.toml/,
  ],
]

for (const [what, library, file, text, told] of unfit) {
  test(`a library below a manifest that ${what} is signed and verified alone, and that is told`, async () => {
    using at = workshop()
    writeFileSync(at.file(file), text)
    await at.run('wheelctl crypto keygen && mkdir -p target/release && cp libmy_plugin.so target/release')
    const sign = `wheelctl plugin sign --library ${library} --key plugin_private.pem --signer us --json`
    const verify = `wheelctl plugin verify --library ${library} --key plugin_public.pem --json`
    assert.equal(JSON.parse(await at.run(`${sign} 2>signed`)).bundle, null)
    assert.equal(JSON.parse(await at.run(`${verify} 2>verified`)).bundle, false)
    for (const name of ['signed', 'verified']) assert.match(readFileSync(at.file(name), 'utf8'), told)
    assert.equal(at.files().includes('plugin.sig.json'), false)
    await assert.rejects(at.run(`${sign} --expires 2999-01-01`), {
      code: 4,
      stderr: /no manifest above .* names it \(/,
    })
  })
}
