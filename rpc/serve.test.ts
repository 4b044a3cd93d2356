import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type ServiceError, status } from '@grpc/grpc-js'
import pino from 'pino'
import { BadRequest, ErrorInfo } from '../gen/proto/google/rpc/error_details.ts'
import { Status } from '../gen/proto/google/rpc/status.ts'
import {
  type ListServicesResponse,
  type Service,
  SupervisorServiceClient,
  SupervisorServiceService,
} from '../gen/proto/openracing/v1/supervisor.ts'
import { call, connect, within } from './client.ts'
import { exitCodeFor, invalidField, RigError } from './failure.ts'
import { findHome } from './home.ts'
import { bind, type RunningServer, serve } from './serve.ts'
import { unary } from './unary.ts'

const log = pino({ level: 'silent' })
const bufProgram = fileURLToPath(new URL('../node_modules/.bin/buf', import.meta.url))

interface Served extends AsyncDisposable {
  readonly server: RunningServer
  list(): Promise<readonly Service[]>
}

/** A real server on a home of its own whose one method is `answer`. */
async function served(answer: () => Promise<ListServicesResponse>, listen?: string): Promise<Served> {
  const directory = mkdtempSync(join(tmpdir(), 'openracing-serve-'))
  const home = findHome({ OPENRACING_HOME: directory })
  const definitions = [bind(SupervisorServiceService, { listServices: unary(answer, log) })]
  const server = await serve({
    service: 'host',
    home,
    definitions,
    others: ['engine'],
    log,
    ...(listen === undefined ? {} : { listen: { address: listen, role: 'operator' } }),
  })
  const client = connect(SupervisorServiceClient, server.addresses.at(-1) as string)
  return {
    server,
    list: async () =>
      (await call<ListServicesResponse>((done) => client.listServices({}, ...within(5000), done))).services,
    [Symbol.asyncDispose]: async () => {
      client.close()
      await server.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

const nothing = async (): Promise<ListServicesResponse> => ({ services: [] })

test('a call over the Unix socket and one over loopback are answered', async () => {
  await using unix = await served(nothing)
  assert.deepEqual(await unix.list(), [])
  await using tcp = await served(nothing, '127.0.0.1:0')
  assert.match(tcp.server.addresses.at(-1) as string, /^127\.0\.0\.1:[1-9]\d*$/)
  assert.deepEqual(await tcp.list(), [])
})

test('a client that knows nothing finds the services by reflection and calls one; health is answered for each', async () => {
  await using rig = await served(nothing)
  const socket = (rig.server.addresses[0] as string).slice('unix:'.length)
  const buf = async (...args: readonly string[]): Promise<string> => {
    const common = ['curl', '--protocol', 'grpc', '--http2-prior-knowledge', '--unix-socket', socket]
    return (await promisify(execFile)(bufProgram, [...common, ...args])).stdout
  }
  assert.deepEqual((await buf('--list-services', 'http://rig')).trim().split('\n'), [
    'grpc.health.v1.Health',
    'grpc.reflection.v1.ServerReflection',
    'grpc.reflection.v1alpha.ServerReflection',
    'openracing.v1.SupervisorService',
  ])
  const answered = await buf('--data', '{}', 'http://rig/openracing.v1.SupervisorService/ListServices')
  assert.deepEqual(JSON.parse(answered), {})
  const health = async (service: string): Promise<unknown> => {
    return JSON.parse(await buf('--data', JSON.stringify({ service }), 'http://rig/grpc.health.v1.Health/Check'))
  }
  for (const service of ['', 'openracing.v1.SupervisorService']) {
    assert.deepEqual(await health(service), { status: 'SERVING' })
  }
  assert.deepEqual(await health('engine'), { status: 'NOT_SERVING' })
  rig.server.setHealth('engine', true)
  assert.deepEqual(await health('engine'), { status: 'SERVING' })
  rig.server.setServing(false)
  assert.deepEqual(await health(''), { status: 'NOT_SERVING' })
})

/** A page of a server, over its Unix socket or a port. */
async function page(address: string, path: string, method = 'GET'): Promise<{ code: number; body: string }> {
  const [host, port] = address.split(':') as [string, string]
  const where = host === 'unix' ? { socketPath: port } : { host, port }
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  request({ ...where, path, method, agent: false }, resolve)
    .on('error', reject)
    .end()
  const response = await promise
  return { code: response.statusCode ?? 0, body: await text(response) }
}

test('whoever scrapes is told at /metrics of the service and its calls, over the same addresses', async () => {
  await using rig = await served(async () => {
    throw new RigError('PLUGIN_UNKNOWN', 'no plugin is called x; install it')
  }, '127.0.0.1:0')
  await assert.rejects(rig.list())
  for (const address of rig.server.addresses) {
    const { code, body } = await page(address, '/metrics')
    assert.equal(code, 200)
    assert.match(
      body,
      /^grpc_server_handled_total\{grpc_service="openracing\.v1\.SupervisorService",grpc_method="ListServices",grpc_code="NOT_FOUND",service="host"\} 1$/m,
    )
    assert.match(body, /^process_resident_memory_bytes\{service="host"\} \d+$/m)
    assert.equal((await page(address, '/other')).code, 404)
    assert.equal((await page(address, '/metrics?x=1')).code, 200)
  }
  const [unix] = rig.server.addresses as [string]
  assert.equal((await page(unix, '/metrics', 'DELETE')).code, 405)
})

test('a failure with a code arrives as that failure', async () => {
  await using rig = await served(async () => {
    throw new RigError('PLUGIN_UNKNOWN', 'no plugin is called x: y; install it')
  })
  await assert.rejects(rig.list(), (error: RigError) => {
    assert.equal(error.code, 'PLUGIN_UNKNOWN')
    assert.equal(error.detail, 'no plugin is called x: y; install it')
    return true
  })
})

test('a program reads which failure it was, and which field is wrong, from the details of the status', async () => {
  const detailsOf = async (failure: RigError): Promise<Status> => {
    await using rig = await served(async () => {
      throw failure
    })
    const thrown = await rig.list().catch((cause: RigError) => cause.cause as ServiceError)
    assert.ok('metadata' in thrown)
    const [bytes] = thrown.metadata.get('grpc-status-details-bin')
    return Status.decode(bytes as Buffer)
  }
  const { code, message, details } = await detailsOf(invalidField('page_size', 'is 5000; the most is 1000'))
  assert.deepEqual([code, message], [status.INVALID_ARGUMENT, 'REQUEST_INVALID: page_size is 5000; the most is 1000'])
  assert.deepEqual(
    details.map(({ typeUrl }) => typeUrl),
    ['type.googleapis.com/google.rpc.ErrorInfo', 'type.googleapis.com/google.rpc.BadRequest'],
  )
  const [info, request] = details.map(({ value }) => value) as [Buffer, Buffer]
  assert.deepEqual(ErrorInfo.decode(info), { reason: 'REQUEST_INVALID', domain: 'openracing', metadata: {} })
  assert.deepEqual(BadRequest.decode(request).fieldViolations, [
    { field: 'page_size', description: 'page_size is 5000; the most is 1000' },
  ])
  const other = await detailsOf(new RigError('PLUGIN_UNKNOWN', 'no plugin is called x; install it'))
  assert.deepEqual(
    [other.code, other.details.map(({ value }) => ErrorInfo.decode(value).reason)],
    [status.NOT_FOUND, ['PLUGIN_UNKNOWN']],
  )
})

test('an undeclared exception is INTERNAL and its text stays on the server', async () => {
  await using rig = await served(async () => {
    throw new Error('secret path /etc/rig')
  })
  await assert.rejects(
    rig.list(),
    (error: ServiceError) => error.code === status.INTERNAL && error.details === 'internal error',
  )
})

test('a second server of the same service on the same home is refused before it touches the first', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'openracing-serve-'))
  const home = findHome({ OPENRACING_HOME: directory })
  const first = await serve({ service: 'host', home, definitions: [], log })
  await assert.rejects(serve({ service: 'host', home, definitions: [], log }), (error: RigError) => {
    assert.equal(error.code, 'HOME_IN_USE')
    assert.equal(exitCodeFor(error), 5)
    assert.match(error.detail, /end it first, or set OPENRACING_HOME/)
    return true
  })
  await first.close()
  rmSync(directory, { recursive: true })
})

test('a port that something else has is named, with what to do', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const address = other.address()
  assert.ok(address !== null && typeof address === 'object')
  await assert.rejects(served(nothing, `127.0.0.1:${address.port}`), (error: RigError) => {
    assert.equal(error.code, 'ADDRESS_IN_USE')
    assert.match(error.detail, new RegExp(`127\\.0\\.0\\.1:${address.port} .*set .listen:. in config\\.yaml`))
    return true
  })
  other.close()
})

test('a service that is not there is SERVICE_UNAVAILABLE', async () => {
  const client = connect(SupervisorServiceClient, 'unix:/nonexistent/openracing.sock')
  await assert.rejects(
    call((done) => client.listServices({}, ...within(2000), done)),
    (error: RigError) => error.code === 'SERVICE_UNAVAILABLE' && exitCodeFor(error) === 5,
  )
  client.close()
})

test('close may be called twice, and ends a call that does not come back', async () => {
  const { promise: entered, resolve: enter } = Promise.withResolvers<void>()
  const rig = await served(() => {
    enter()
    return new Promise(() => undefined)
  })
  const pending = assert.rejects(rig.list(), (error: RigError) => error.code === 'SERVICE_UNAVAILABLE')
  await entered
  await Promise.all([rig.server.close(), rig.server.close()])
  await pending
  await rig[Symbol.asyncDispose]()
})

test('a home whose socket path is too long for the system is refused with its length', () => {
  const home = findHome({ OPENRACING_HOME: `/tmp/${'x'.repeat(100)}` })
  assert.throws(() => home.socket('host'), /has 119 bytes, more than the 107/)
})
