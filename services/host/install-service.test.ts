import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { sign } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { packTar } from 'modern-tar'
import { pino } from 'pino'
import { ZipFile } from 'yazl'
import {
  ArchiveFormat,
  type InstallOptions,
  type InstallPluginRequest,
  type InstallResult,
  type InstallStage,
  PluginInstallServiceClient,
  type RollbackPluginResponse,
  type UninstallPluginResponse,
} from '../../gen/proto/openracing/v1/install.ts'
import { TrustServiceClient, TrustServiceService } from '../../gen/proto/openracing/v1/trust.ts'
import { call, connect, within } from '../../rpc/client.ts'
import { duplex } from '../../rpc/duplex.ts'
import { createHome, findHome } from '../../rpc/home.ts'
import { serve } from '../../rpc/serve.ts'
import { serveOnSocket } from '../../rpc/testing/on-socket.ts'
import { openDatabase } from '../../state/database.ts'
import { until } from '../../test/until.ts'
import { openContentStore } from '../trust/content-store.ts'
import { trustHandlers } from '../trust/service.ts'
import { formatSidecar } from '../trust/sidecar.ts'
import { keyOf, knowing, newSigner } from '../trust/testing/signer.ts'
import { openTrustFile } from '../trust/trust-file.ts'
import { formatTrustStore } from '../trust/trust-store.ts'
import { auditMigration, createAuditLog } from './audit-log.ts'
import { openConfigCheck } from './config-check.ts'
import { installService } from './install-service.ts'
import { createInstaller } from './installer.ts'
import { createJudge } from './judge.ts'
import { createNewestVersions, newestVersionsMigration } from './newest-versions.ts'
import { connectPluginServices } from './plugin-services.ts'
import { openPluginShelf } from './plugin-shelf.ts'
import { scanPlugins } from './registry.ts'

const { ARCHIVE_FORMAT_TAR_GZ: tarGz, ARCHIVE_FORMAT_ZIP: zip } = ArchiveFormat
const us = newSigner()

/** A rig's installation service on its socket, with a trust service beside it that knows our key. */
async function startRig(listen?: string) {
  await using ends = new AsyncDisposableStack()
  const root = mkdtempSync(join(tmpdir(), 'openracing-install-'))
  ends.defer(() => rmSync(root, { recursive: true }))
  const home = findHome({ OPENRACING_HOME: root })
  createHome(home)
  ends.defer(() => rmSync(home.shmDir, { recursive: true }))
  writeFileSync(home.trustStore, formatTrustStore(knowing(keyOf(us, 'Trusted'))))
  const log = pino({ level: 'silent' })
  const contents = await openContentStore(home.storeDir, Date.now)
  const handlers = trustHandlers({ keys: openTrustFile(home.trustStore), contents, nowMs: Date.now, log })
  const trust = await serveOnSocket(home.socket('trust'), TrustServiceService, handlers, TrustServiceClient)
  ends.defer(trust.close)
  const database = ends.adopt(openDatabase(home.database, [auditMigration, newestVersionsMigration]), (it) =>
    it.close(),
  )
  const audit = createAuditLog(database, Date.now)
  const services = ends.adopt(connectPluginServices(home), (it) => it.close())
  const configs = ends.adopt(openConfigCheck(), (it) => it.close())
  const seen: string[] = []
  let trouble = ''
  const native = {
    requireSignatures: true,
    allowUnsigned: false,
    allowUnsandboxed: false,
    requireBundleSignature: false,
  }
  const installer = createInstaller({
    shelf: openPluginShelf(home),
    installed: () => scanPlugins(home.pluginDir),
    judge: createJudge({ native, services, isServing: () => true, configs, versions: createNewestVersions(database) }),
    audit,
    async changed(directory) {
      seen.push(directory)
      return trouble
    },
  })
  const definitions = [installService(installer, log)]
  const server = await serve({
    service: 'host',
    home,
    definitions,
    log,
    ...(listen === undefined ? {} : { listen: { address: listen, role: 'operator' } }),
  })
  ends.adopt(server, (it) => it.close())
  const client = connect(PluginInstallServiceClient, server.addresses.at(-1) as string)
  ends.adopt(client, (it) => it.close())
  const all = ends.move()
  const decisions = () =>
    audit.list({ kind: 'plugin', subject: '', before: 0, limit: 100 }).map(({ decision }) => decision)
  return {
    home,
    client,
    seen,
    /** What is in place from now on does not run. */
    fail: (why: string) => {
      trouble = why
    },
    /** The newest first. */
    decisions,
    directories: () => readdirSync(home.pluginDir).sort(),
    read: (...path: readonly string[]) => readFileSync(join(home.pluginDir, ...path), 'utf8'),
    write: (text: string, ...path: readonly string[]) => writeFileSync(join(home.pluginDir, ...path), text),
    rollback: async (id: string) =>
      (await call<RollbackPluginResponse>((done) => client.rollbackPlugin({ plugin: id }, ...within(20_000), done)))
        .result as InstallResult,
    uninstall: async (id: string) =>
      (await call<UninstallPluginResponse>((done) => client.uninstallPlugin({ plugin: id }, ...within(20_000), done)))
        .result as InstallResult,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

type Rig = Awaited<ReturnType<typeof startRig>>

const options = (more: Partial<InstallOptions> = {}): InstallPluginRequest => ({
  part: {
    $case: 'options',
    value: { format: tarGz, name: '', force: false, upgradeOnly: false, archiveBytes: 0n, ...more },
  },
})
const piece = (value: Buffer): InstallPluginRequest => ({ part: { $case: 'archive', value } })

interface Told {
  readonly stages: readonly InstallStage[]
  readonly result: InstallResult
}

async function install({ client }: Rig, requests: readonly InstallPluginRequest[]): Promise<Told> {
  async function* all() {
    yield* requests
  }
  const stages: InstallStage[] = []
  let result: InstallResult | undefined
  for await (const { part } of duplex(client.installPlugin(...within(20_000)), all(), new AbortController().signal)) {
    if (part?.$case === 'progress' && stages.at(-1) !== part.value.stage) stages.push(part.value.stage)
    if (part?.$case === 'result') result = part.value
  }
  assert.ok(result)
  return { stages, result }
}

type Files = Readonly<Record<string, string | Buffer>>

const schema = '{ type: object, properties: { gain: { type: number, maximum: 10 } }, additionalProperties: false }'

/** What a plugin is made of, signed by us. */
function pluginFiles(version: string, more: Files = {}, name = 'Rpm LEDs', schemaText = schema): Files {
  const module = Buffer.from(`the bytes of ${name} ${version}`)
  const bytes = sign(null, module, us.privateKey)
  const notes = { signer: 'us', timestamp: '2024-01-15T10:30:00Z', comment: undefined }
  const id = Buffer.from(name.padEnd(16))
    .toString('hex')
    .replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*/, '$1-$2-4$3-8$4-$5')
  return {
    'plugin.yaml': `id: "${id}"\nname: "${name}"\nversion: "${version}"\ndescription: "d"\nauthor: "a"\nlicense: "MIT"
class: Safe\ncapabilities: [ReadTelemetry, ControlLeds]\noperations: [LedMapper]\nconfig_schema: ${schemaText}
constraints: { max_execution_time_us: 5000, max_memory_bytes: 1048576, update_rate_hz: 60 }
entry_points: { wasm_module: "build/plugin.wasm" }\n`,
    'build/plugin.wasm': module,
    'build/plugin.wasm.sig': formatSidecar({ bytes, fingerprint: us.fingerprint }, notes),
    ...more,
  }
}

async function packed(files: Files, top = ''): Promise<Buffer> {
  const entries = Object.entries(files).map(([name, body]) => {
    const bytes = Buffer.from(body as string)
    return { header: { name: top + name, size: bytes.length, type: 'file' as const }, body: bytes }
  })
  return gzipSync(await packTar(entries))
}

async function zipped(files: Files, top = ''): Promise<Buffer> {
  const archive = new ZipFile()
  for (const [name, body] of Object.entries(files)) archive.addBuffer(Buffer.from(body as string), top + name)
  archive.end()
  return buffer(archive.outputStream)
}

const installFiles = async (rig: Rig, files: Files, more: Partial<InstallOptions> = {}): Promise<InstallResult> =>
  (await install(rig, [options(more), piece(await packed(files))])).result

test('a plugin is installed stage by stage, by its name, with modes of its own', async () => {
  await using rig = await startRig()
  const archive = await packed(pluginFiles('1.0.0'), 'rpm-leds-1.0.0/')
  const half = archive.length >> 1
  const requests = [
    options({ archiveBytes: BigInt(archive.length) }),
    piece(archive.subarray(0, half)),
    piece(archive.subarray(half)),
  ]
  const { stages, result } = await install(rig, requests)
  assert.deepEqual(stages, [1, 2, 3, 4])
  assert.deepEqual(
    [result.directory, result.version, result.previousVersion, result.warning],
    ['rpm-leds', '1.0.0', '', ''],
  )
  assert.deepEqual(rig.directories(), ['rpm-leds'])
  assert.deepEqual(readdirSync(join(rig.home.pluginDir, 'rpm-leds')).sort(), ['build', 'plugin.yaml'])
  const modeOf = (...path: readonly string[]) => statSync(join(rig.home.pluginDir, 'rpm-leds', ...path)).mode & 0o777
  assert.deepEqual([modeOf(), modeOf('build'), modeOf('plugin.yaml')], [0o755, 0o755, 0o644])
  assert.deepEqual([rig.seen, rig.decisions()], [['rpm-leds'], ['install']])
})

test('what is in place and does not run is told with what was installed', async () => {
  await using rig = await startRig()
  rig.fail('PLUGIN_FAILED: create() failed; what ran before runs on')
  const { warning } = await installFiles(rig, pluginFiles('1.0.0'))
  assert.equal(warning, 'PLUGIN_FAILED: create() failed; what ran before runs on')
  rig.fail('')
  assert.equal((await installFiles(rig, pluginFiles('1.1.0'))).warning, '')
})

test('zips, and tars of the system in each of its formats, are installed with the same bytes', async (t) => {
  await using rig = await startRig()
  const files = pluginFiles('1.0.0', { [`${'long/'.repeat(10)}${'n'.repeat(120)}.txt`]: 'x', 'ünï.txt': 'y' })
  const source = mkdtempSync(join(tmpdir(), 'openracing-packed-'))
  t.after(() => rmSync(source, { recursive: true }))
  for (const [name, body] of Object.entries(files)) {
    mkdirSync(join(source, 'top', name, '..'), { recursive: true })
    writeFileSync(join(source, 'top', name), body)
  }
  const tar = (format: string, ...what: readonly string[]) =>
    execFileSync('tar', [`--format=${format}`, '-cz', ...what])
  const archives: readonly (readonly [ArchiveFormat, Buffer])[] = [
    [zip, await zipped(files)],
    [zip, await zipped(files, 'top/')],
    [tarGz, await packed(files)],
    ...['gnu', 'pax', 'posix'].map((format) => [tarGz, tar(format, '-C', source, 'top')] as const),
    [tarGz, tar('gnu', '-C', join(source, 'top'), '.')],
  ]
  for (const [format, archive] of archives) {
    await install(rig, [options({ format, force: true }), piece(archive)])
    for (const [name, body] of Object.entries(files)) assert.equal(rig.read('rpm-leds', name), String(body))
    const count = readdirSync(join(rig.home.pluginDir, 'rpm-leds'), { recursive: true }).length
    assert.equal(count, 3 + 1 + 1 + 10 + 1)
  }
})

test('a newer version takes the place, the directory and the configuration of the older, and back, and back again', async () => {
  await using rig = await startRig()
  await installFiles(rig, pluginFiles('1.9.0'), { name: 'mine' })
  rig.write('{"gain": 3}', 'mine', 'config.json')
  const result = await installFiles(rig, pluginFiles('1.10.0', { 'config.json': '{"gain": 1}' }))
  assert.deepEqual([result.directory, result.version, result.previousVersion], ['mine', '1.10.0', '1.9.0'])
  assert.equal(rig.read('mine', 'config.json'), '{"gain": 3}')
  assert.match(rig.read('mine', 'build', 'plugin.wasm'), /1\.10\.0/)
  for (const [now, was] of [
    ['1.9.0', '1.10.0'],
    ['1.10.0', '1.9.0'],
  ]) {
    const back = await rig.rollback('mine')
    assert.deepEqual([back.version, back.previousVersion], [now, was])
    assert.match(rig.read('mine', 'plugin.yaml'), new RegExp(`version: "${now}"`))
  }
  assert.deepEqual(rig.decisions(), ['rollback', 'rollback', 'upgrade', 'install'])
  assert.deepEqual(rig.directories(), ['mine'])
})

test('what is not newer needs to be asked for, and an upgrade needs something to upgrade', async () => {
  await using rig = await startRig()
  const refused = async (
    version: string,
    reason: RegExp,
    more: Partial<InstallOptions> = {},
    code = 'PLUGIN_INSTALLED',
  ) => assert.rejects(installFiles(rig, pluginFiles(version), more), { code, message: reason })
  await refused('1.0.0', /is not installed, so there is nothing to upgrade/, { upgradeOnly: true }, 'PLUGIN_UNKNOWN')
  await installFiles(rig, pluginFiles('1.0.0'))
  await refused('1.0.0', /of version 1\.0\.0, which is installed already; give --force/)
  await refused('1.0.0-rc.1', /older than the installed 1\.0\.0; go back with `wheelctl plugin rollback`/)
  await refused('2.0.0', /is installed in rpm-leds, and not in other/, { name: 'other' })
  await refused('2.0.0', /name is "\.\.\/up"; give 1 to 64 small letters/, { name: '../up' }, 'REQUEST_INVALID')
  assert.deepEqual(rig.decisions(), ['install'])
  assert.equal((await installFiles(rig, pluginFiles('0.9.0'), { force: true })).previousVersion, '1.0.0')
  assert.equal((await installFiles(rig, pluginFiles('1.0.0'), { upgradeOnly: true })).version, '1.0.0')
})

test('what would not run is refused as it would be then, and changes nothing', async (t) => {
  await using rig = await startRig()
  await installFiles(rig, pluginFiles('1.0.0'))
  rig.write('{"gain": 3}', 'rpm-leds', 'config.json')
  mkdirSync(join(rig.home.pluginDir, 'taken'))
  const strictGain = schema.replace('10', '2')
  const cases: readonly (readonly [what: string, files: Files, code: string, reason: RegExp])[] = [
    [
      'unsigned',
      pluginFiles('2.0.0', { 'build/plugin.wasm.sig': '' }),
      'PLUGIN_UNTRUSTED',
      /\(archive\)\/build\/plugin\.wasm/,
    ],
    [
      'another artefact',
      pluginFiles('2.0.0', { 'build/plugin.wasm': 'evil' }),
      'PLUGIN_UNTRUSTED',
      /\(archive\)\/build/,
    ],
    ['a bad manifest', pluginFiles('two'), 'MANIFEST_INVALID', /\(archive\)\/plugin\.yaml.*version/],
    [
      'no artefact',
      { 'plugin.yaml': pluginFiles('2.0.0')['plugin.yaml'] as string },
      'FILE_MISSING',
      /\(archive\)\/build\/plugin\.wasm/,
    ],
    ['no plugin', { 'README.md': 'x' }, 'MANIFEST_INVALID', /\(archive\) has no manifest and no module/],
    ['a module without a name', { 'x.wasm': 'x' }, 'ARCHIVE_INVALID', /give its name with --name/],
    [
      'a name without letters',
      pluginFiles('1.0.0', {}, '☃☃☃'),
      'REQUEST_INVALID',
      /makes no name of a directory; give one with --name/,
    ],
    [
      "another one's directory",
      pluginFiles('1.0.0', {}, 'taken'),
      'PLUGIN_INSTALLED',
      /the directory taken for taken has something else in it; give another name with --name/,
    ],
    [
      'a schema that refuses the configuration',
      pluginFiles('2.0.0', {}, 'Rpm LEDs', strictGain),
      'CONFIG_INVALID',
      /version 2\.0\.0 does not take the config\.json of the installed one: .*gain.*; change .*\/rpm-leds\/config\.json/,
    ],
  ]
  for (const [what, files, code, message] of cases) {
    await t.test(what, async () => {
      await assert.rejects(installFiles(rig, files), (refusal: Error & { code: string }) => {
        assert.deepEqual([refusal.code, /staging/.test(refusal.message)], [code, false], refusal.message)
        assert.match(refusal.message, message)
        return true
      })
      assert.deepEqual(rig.directories(), ['rpm-leds', 'taken'])
      assert.match(rig.read('rpm-leds', 'plugin.yaml'), /version: "1\.0\.0"/)
      assert.equal(rig.read('rpm-leds', 'config.json'), '{"gain": 3}')
    })
  }
  assert.deepEqual(rig.decisions(), ['install'])
})

test('a module without a manifest is installed under the name of its directory, or the one that is given', async () => {
  await using rig = await startRig()
  const { 'build/plugin.wasm': module, 'build/plugin.wasm.sig': sidecar } = pluginFiles('1.0.0') as Record<
    string,
    string
  >
  const bare = { 'm.wasm': module as string, 'm.wasm.sig': sidecar as string }
  const archive = await packed(bare, 'tokenizer/')
  assert.equal((await install(rig, [options(), piece(archive)])).result.id, 'tokenizer')
  assert.equal((await installFiles(rig, bare, { name: 'other' })).directory, 'other')
  await assert.rejects(installFiles(rig, bare, { name: 'other' }), {
    code: 'PLUGIN_INSTALLED',
    message: /without a version/,
  })
  assert.deepEqual(rig.directories(), ['other', 'tokenizer'])
})

test('uninstalling takes the plugin, the version before it and its configuration, by id or directory', async () => {
  await using rig = await startRig()
  const { id } = await installFiles(rig, pluginFiles('1.0.0'))
  await installFiles(rig, pluginFiles('2.0.0'))
  await assert.rejects(rig.uninstall('none'), {
    code: 'PLUGIN_UNKNOWN',
    message: /has the id, directory or name "none"/,
  })
  assert.equal((await rig.uninstall(id.toUpperCase())).previousVersion, '2.0.0')
  assert.deepEqual([rig.directories(), readdirSync(join(rig.home.stateDir, 'previous'))], [[], []])
  await installFiles(rig, pluginFiles('3.0.0'))
  await assert.rejects(rig.rollback(id), {
    code: 'REQUEST_INVALID',
    message: /no version of rpm-leds before the installed/,
  })
  await rig.uninstall('rpm-leds')
  assert.deepEqual(rig.decisions(), ['uninstall', 'install', 'uninstall', 'upgrade', 'install'])
})

test('a client that goes away in the middle leaves nothing', async () => {
  await using rig = await startRig()
  const archive = await packed(pluginFiles('1.0.0'))
  for (const requests of [[options()], [options(), piece(archive.subarray(0, 100))]]) {
    const stream = rig.client.installPlugin(...within(20_000))
    stream.on('error', () => undefined)
    for (const request of requests) stream.write(request)
    await once(stream, 'data')
    await until('it has begun', () => rig.directories().some((name) => name.startsWith('.staging-')))
    stream.cancel()
    await until('nothing is left', () => rig.directories().length === 0)
  }
  assert.deepEqual(rig.decisions(), [])
})

test('installations that come at once are made one after the other, and the fifth has to wait', async () => {
  await using rig = await startRig()
  const names = ['one', 'two', 'three', 'four']
  const begun = names.map(() => rig.client.installPlugin(...within(20_000)))
  for (const stream of begun) {
    stream.on('error', () => undefined)
    stream.write(options())
    await once(stream, 'data')
  }
  await assert.rejects(installFiles(rig, pluginFiles('1.0.0')), {
    code: 'SERVICE_UNAVAILABLE',
    message: /4 installations are/,
  })
  for (const stream of begun) stream.cancel()
  await until('they are gone', () => rig.directories().length === 0)
  const results = await Promise.all(names.map((name) => installFiles(rig, pluginFiles('1.0.0', {}, name))))
  assert.deepEqual(
    results.map(({ directory }) => directory),
    names,
  )
  const same = await Promise.allSettled([1, 2, 3].map(() => installFiles(rig, pluginFiles('1.0.0'))))
  assert.deepEqual(same.map(({ status }) => status).sort(), ['fulfilled', 'rejected', 'rejected'])
  assert.deepEqual(rig.directories(), ['four', 'one', 'rpm-leds', 'three', 'two'])
})

test('requests that make no sense are refused, and so is whoever is not on the socket of the rig', async () => {
  await using rig = await startRig()
  const archive = await packed(pluginFiles('1.0.0'))
  const refused = (requests: readonly InstallPluginRequest[], message: RegExp, code = 'REQUEST_INVALID') =>
    assert.rejects(install(rig, requests), { code, message })
  await refused([piece(archive)], /the first request has no options/)
  await refused([], /the first request has no options/)
  await refused([options({ format: 0 }), piece(archive)], /format is 0; give 1 for \.tar\.gz or 2 for \.zip/)
  await refused([options(), options()], /no piece of the archive/)
  await refused([options(), piece(Buffer.alloc((1 << 20) + 1))], /a piece has 1048577 bytes, and the most is 1048576/)
  await refused([options({ archiveBytes: 7n }), piece(archive)], /was to have 7 bytes, and \d+ came/, 'ARCHIVE_INVALID')
  await refused(
    [options({ archiveBytes: 1n << 40n })],
    /has 1099511627776 bytes, and the most is 128 MiB/,
    'ARCHIVE_INVALID',
  )
  assert.deepEqual(rig.directories(), [])
  await using open = await startRig('127.0.0.1:0')
  for (const act of [
    () => install(open, [options(), piece(archive)]),
    () => open.uninstall('x'),
    () => open.rollback('x'),
  ]) {
    await assert.rejects(act(), { code: 'PERMISSION_DENIED', message: /needs the role admin, and .* is operator/ })
  }
  assert.equal(existsSync(join(open.home.pluginDir, 'rpm-leds')), false)
})
