import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { Client, credentials, Metadata, type MethodDefinition, type ServiceError, status } from '@grpc/grpc-js'
import { pino } from 'pino'
import { AuditServiceService } from '../gen/proto/openracing/v1/audit.ts'
import { ChainServiceService } from '../gen/proto/openracing/v1/chain.ts'
import { PluginHistoryServiceService } from '../gen/proto/openracing/v1/history.ts'
import { PluginInstallServiceService } from '../gen/proto/openracing/v1/install.ts'
import { KeyServiceService } from '../gen/proto/openracing/v1/key.ts'
import { PluginServiceService } from '../gen/proto/openracing/v1/plugin.ts'
import { QuarantineServiceService } from '../gen/proto/openracing/v1/quarantine.ts'
import { RigServiceService } from '../gen/proto/openracing/v1/rig.ts'
import { SupervisorServiceService } from '../gen/proto/openracing/v1/supervisor.ts'
import { TelemetryServiceService } from '../gen/proto/openracing/v1/telemetry.ts'
import { type Credential, createAuthority, issueClient, issueServer } from '../pki/authority.ts'
import { findHome } from './home.ts'
import { innerServices, methodRoles } from './method-role.ts'
import { isEnough, type Role, roles } from './peer.ts'
import { type RunningServer, serve } from './serve.ts'

const log = pino({ level: 'silent' })

const services = [
  ...[AuditServiceService, ChainServiceService, PluginHistoryServiceService, PluginInstallServiceService],
  ...[KeyServiceService, PluginServiceService, QuarantineServiceService, RigServiceService],
  ...[SupervisorServiceService, TelemetryServiceService],
]
// biome-ignore lint/suspicious/noExplicitAny: every method of every service
type AnyMethod = MethodDefinition<any, any>
const methods = services.flatMap((service) => Object.values(service) as readonly AnyMethod[])

test('every method of the contracts has its role, and no other', () => {
  const directory = new URL('../proto/openracing/v1/', import.meta.url)
  const contracts = readdirSync(directory).map((file) => readFileSync(new URL(file, directory), 'utf8'))
  const told = contracts.flatMap((text) => [...text.matchAll(/^service (\w+)/gm)].map(([, name]) => name as string))
  const outer = told.filter((name) => !innerServices.includes(name))
  const bound = new Set(methods.map(({ path }) => path.split(/[./]/).at(-2)))
  assert.deepEqual(outer.sort(), [...bound].sort())
  const ours = [...methodRoles.keys()].filter((path) => path.startsWith('/openracing.'))
  assert.deepEqual(ours.sort(), methods.map(({ path }) => path).sort())
})

interface Door {
  readonly server: RunningServer
  readonly root: string
  readonly authority: Credential
  readonly revoked: Set<string>
  readonly tls: string
  readonly loopback: string
}

/** A server with every method of the host, behind each of its doors. A handler that is reached answers UNIMPLEMENTED. */
async function open(t: TestContext, more: Partial<Parameters<typeof serve>[0]> = {}): Promise<Door> {
  const root = mkdtempSync(join(tmpdir(), 'openracing-access-'))
  const home = findHome({ OPENRACING_HOME: root })
  const authority = await createAuthority('test', Date.now())
  const own = await issueServer(authority, { hosts: ['localhost', '127.0.0.1'] }, Date.now())
  const revoked = new Set<string>()
  const server = await serve({
    ...{ service: 'host', home, log },
    definitions: services.map((definition) => ({ definition: definition as never, implementation: {} })),
    listen: { address: '127.0.0.1:0', role: 'operator' },
    remote: {
      address: '127.0.0.1:0',
      credentials: { ca: authority.certificate, cert: own.certificate, key: own.key },
      isGood: (serial) => !revoked.has(serial.toLowerCase()),
    },
    ...more,
  })
  t.after(async () => {
    await server.close()
    rmSync(root, { recursive: true })
  })
  const [, loopback, tls] = server.addresses as [string, string, string]
  return { server, root, authority, revoked, tls, loopback }
}

const pem = (text: string): Buffer => Buffer.from(text)

function channelOf({ authority, tls }: Door, shown: Credential | undefined, trusted = authority): Client {
  const secure =
    shown === undefined
      ? credentials.createSsl(pem(trusted.certificate))
      : credentials.createSsl(pem(trusted.certificate), pem(shown.key), pem(shown.certificate))
  return new Client(tls.replace('127.0.0.1', 'localhost'), secure)
}

/** How a call of a method ends. */
function endOf(client: Client, { path, requestStream, responseStream }: AnyMethod): Promise<ServiceError> {
  const raw = (bytes: Buffer): Buffer => bytes
  const nothing = Buffer.alloc(0)
  const options = { deadline: Date.now() + 10_000 }
  return new Promise((resolve) => {
    const done = (error: ServiceError | null): void => {
      if (error !== null) resolve(error)
    }
    const metadata = new Metadata()
    if (requestStream && responseStream) {
      const call = client.makeBidiStreamRequest(path, raw, raw, metadata, options)
      call.on('error', resolve).on('data', () => {})
      call.end()
    } else if (responseStream) {
      const call = client.makeServerStreamRequest(path, raw, raw, nothing, metadata, options)
      call.on('error', resolve).on('data', () => {})
    } else if (requestStream) {
      client.makeClientStreamRequest(path, raw, raw, metadata, options, done).end()
    } else {
      client.makeUnaryRequest(path, raw, raw, nothing, metadata, options, done)
    }
  })
}

const anyMethod = methods.find(({ path }) => path.endsWith('/GetRig')) as AnyMethod

/** What each method ends with for a caller of a role. */
async function walk(client: Client, role: Role): Promise<void> {
  for (const method of methods) {
    const { code, details } = await endOf(client, method)
    const needed = methodRoles.get(method.path) as Role
    const allowed = isEnough(role, needed)
    assert.equal(code, allowed ? status.UNIMPLEMENTED : status.PERMISSION_DENIED, `${role}: ${method.path}: ${details}`)
    if (!allowed)
      assert.match(details, new RegExp(`^PERMISSION_DENIED: .* needs the role ${needed}, and .* is ${role}`))
  }
  client.close()
}

test('each role may call what the table says, and nothing else', async (t) => {
  const door = await open(t)
  for (const role of roles) {
    const shown = await issueClient(door.authority, { name: `a ${role}`, role, days: 1 }, Date.now())
    await walk(channelOf(door, shown), role)
  }
  await walk(new Client(door.loopback, credentials.createInsecure()), 'operator')
  await walk(new Client(door.server.addresses[0] as string, credentials.createInsecure()), 'admin')
})

test('who shows no certificate of this rig, or one that is not good any more, is not let in', async (t) => {
  const door = await open(t)
  const other = await createAuthority('other', Date.now())
  const dayMs = 86_400_000
  const issued = (authority: Credential, days = 1, nowMs = Date.now()): Promise<Credential> =>
    issueClient(authority, { name: 'alice', role: 'admin', days }, nowMs)
  const good = await issued(door.authority)
  const shows: Readonly<Record<string, Credential | undefined>> = {
    nothing: undefined,
    'an expired one': await issued(door.authority, 1, Date.now() - 2 * dayMs),
    'one that is not good yet': await issued(door.authority, 1, Date.now() + dayMs),
    'one of another CA': await issued(other),
    'one that it signed itself': other,
    "the rig's own": await issueServer(door.authority, { hosts: ['localhost'] }, Date.now()),
  }
  for (const [what, shown] of Object.entries(shows)) {
    const client = channelOf(door, shown)
    for (const method of methods) {
      if (method !== anyMethod && what !== 'nothing') continue // it is the handshake that fails
      const { code } = await endOf(client, method)
      assert.equal(code, status.UNAVAILABLE, `${what}: ${method.path}`)
    }
    client.close()
  }
  const client = channelOf(door, good)
  assert.equal((await endOf(client, anyMethod)).code, status.UNIMPLEMENTED)
  // It is revoked while it is connected.
  door.revoked.add(good.serial)
  door.server.reviewPeers()
  assert.equal((await endOf(client, anyMethod)).code, status.UNAVAILABLE)
  client.close()
  const strangers = channelOf(door, good, other)
  assert.equal((await endOf(strangers, anyMethod)).code, status.UNAVAILABLE, 'a rig that is not believed')
  strangers.close()
})

test('a certificate without a role, or with two, says nothing', async (t) => {
  const door = await open(t)
  for (const role of ['root', 'admin operator', ''] as unknown as readonly Role[]) {
    const shown = await issueClient(door.authority, { name: 'alice', role, days: 1 }, Date.now())
    const client = channelOf(door, shown)
    const { code, details } = await endOf(client, anyMethod)
    assert.deepEqual([code, /names no role/.test(details)], [status.PERMISSION_DENIED, true], details)
    client.close()
  }
})

test('what a caller says of itself counts for nothing', async (t) => {
  const door = await open(t)
  const client = new Client(door.loopback, credentials.createInsecure())
  const metadata = new Metadata()
  metadata.set('openracing-peer', JSON.stringify({ name: 'uid:0', role: 'admin' }))
  const raw = (bytes: Buffer): Buffer => bytes
  const { promise, resolve } = Promise.withResolvers<ServiceError | null>()
  client.makeUnaryRequest(
    '/openracing.v1.KeyService/AddKey',
    raw,
    raw,
    Buffer.alloc(0),
    metadata,
    { deadline: Date.now() + 5000 },
    resolve,
  )
  assert.equal((await promise)?.code, status.PERMISSION_DENIED)
  client.close()
})

test('TLS older than 1.3 is not spoken', async (t) => {
  const door = await open(t)
  const { stderr, stdout } = await promisify(execFile)('sh', [
    '-c',
    `openssl s_client -connect ${door.tls} -tls1_2 </dev/null || true`,
  ])
  assert.match(`${stdout}${stderr}`, /alert protocol version|no protocols available/)
})

test('on the Unix socket another user than this one and root is nobody', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('only root can be another user')
  const stranger = { uid: 65_534, gid: 65_534, cwd: '/' }
  if (spawnSync(process.execPath, ['-e', ''], stranger).status !== 0) {
    return t.skip(`an ordinary user cannot run ${process.execPath}`)
  }
  const door = await open(t)
  const [socket] = door.server.addresses as [string]
  const path = socket.slice('unix:'.length)
  for (const each of [door.root, join(door.root, 'run')]) chmodSync(each, 0o755)
  chmodSync(path, 0o777)
  const ask = `
    const socket = require('node:net').connect(${JSON.stringify(path)})
    socket.on('connect', () => process.stdout.write('connected '))
    socket.on('error', () => {}).on('close', () => process.stdout.write('closed'))
    socket.on('data', () => { process.stdout.write('answered'); process.exit() })
    socket.write('PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n' + '\\0'.repeat(3) + '\\x04' + '\\0'.repeat(5))
  `
  const as = async (uid: number): Promise<string> =>
    (await promisify(execFile)(process.execPath, ['-e', ask], { uid, gid: uid, cwd: '/' })).stdout
  assert.equal(await as(0), 'connected answered')
  assert.match(await as(65_534), /closed$/)
})

test('who calls too often is refused, loses its connection when it goes on, and others notice nothing', async (t) => {
  const door = await open(t, { limits: { callsPerSecond: 50, openCalls: 4 } })
  const flood = new Client(door.loopback, credentials.createInsecure())
  const ends = await Promise.all(Array.from({ length: 300 }, () => endOf(flood, anyMethod)))
  const codes = ends.map(({ code }) => code)
  assert.ok(codes.includes(status.UNIMPLEMENTED), 'some got through')
  const refused = ends.find(({ code }) => code === status.RESOURCE_EXHAUSTED)
  assert.match(
    refused?.details ?? '',
    /^CALLS_LIMITED: 127\.0\.0\.1 (calls faster than|has more calls open than) access\./,
  )
  // More than five seconds' worth of refusals.
  const more = await Promise.all(Array.from({ length: 600 }, () => endOf(flood, anyMethod)))
  assert.ok(
    more.some(({ code }) => code === status.UNAVAILABLE || code === status.CANCELLED),
    'it was dropped',
  )
  flood.close()
  const other = new Client(door.loopback, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 })
  assert.equal((await endOf(other, anyMethod)).code, status.UNIMPLEMENTED)
  other.close()
})

test('calls that are open count until they end', async (t) => {
  const door = await open(t, { limits: { callsPerSecond: 1000, openCalls: 2 } })
  const client = new Client(door.loopback, credentials.createInsecure())
  const raw = (bytes: Buffer): Buffer => bytes
  const watch = () =>
    client
      .makeServerStreamRequest('/grpc.health.v1.Health/Watch', raw, raw, Buffer.alloc(0), new Metadata(), {})
      .on('error', () => {})
  const first = watch()
  const second = watch()
  await Promise.all([first, second].map((stream) => new Promise((resolve) => stream.once('data', resolve))))
  assert.equal((await endOf(client, anyMethod)).code, status.RESOURCE_EXHAUSTED)
  first.cancel()
  for (;;) {
    const { code } = await endOf(client, anyMethod)
    if (code === status.UNIMPLEMENTED) break
    assert.equal(code, status.RESOURCE_EXHAUSTED)
  }
  second.cancel()
  client.close()
})
