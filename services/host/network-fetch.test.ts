import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { type AddressInfo, createServer as createPlainServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { HttpAnswer } from '../../network/answer.ts'
import { type HttpAsk, readHttpAsk } from '../../network/http-ask.ts'
import { type NetworkLimits, networkLimits } from '../../network/limits.ts'
import { listHosts } from '../../network/listed-hosts.ts'
import { fetchFor } from './network-fetch.ts'
import type { Resolve } from './network-lookup.ts'

const nobodyWithdraws = new AbortController().signal

const noNames: Resolve = () => Promise.reject(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }))

/** Listens on the loopback; closes with the scope, whatever is open. */
async function listening<S extends Server>(server: S, host = '127.0.0.1') {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => sockets.add(socket))
  server.listen(0, host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    place: `127.0.0.1:${port}`,
    url: (path = '/'): string => `http://127.0.0.1:${port}${path}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((done) => server.close(done))
    },
  }
}

const httpServer = (answer: RequestListener) => listening(createServer(answer))
/** Says the same bytes to everybody, and whatever else it likes. */
const plainServer = (say: (socket: Socket) => void) =>
  listening(
    createPlainServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', () => say(socket))
    }),
  )

const askOf = (part: object): HttpAsk => {
  const ask = readHttpAsk(Buffer.from(JSON.stringify({ method: 'GET', ...part })))
  assert.ok(typeof ask !== 'string', String(ask))
  return ask
}

interface Fetch {
  readonly hosts: readonly string[]
  readonly limits?: Partial<NetworkLimits>
  readonly resolve?: Resolve
  readonly withdrawn?: AbortSignal
}

const fetch = (ask: object, { hosts, limits = {}, resolve = noNames, withdrawn = nobodyWithdraws }: Fetch) =>
  fetchFor(askOf(ask), listHosts(hosts), { resolve, limits: { ...networkLimits, ...limits } }, withdrawn)

const isAnswer = (answer: HttpAnswer, status: number, body?: string): void => {
  assert.ok(answer.kind === 'response', JSON.stringify(answer))
  assert.equal(answer.status, status)
  if (body !== undefined) assert.equal(Buffer.from(answer.body).toString(), body)
}
const isNo = (answer: HttpAnswer, kind: 'failed' | 'refused', sentence: RegExp): void => {
  assert.ok(answer.kind === kind, JSON.stringify(answer).slice(0, 300))
  assert.match(answer.detail, sentence)
}

test('a request arrives as it was asked for, with what is ours to write and nothing else', async () => {
  const seen: unknown[] = []
  await using server = await httpServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part) => parts.push(part as Buffer))
    request.on('end', () => {
      seen.push(request.method, request.url, request.headers, Buffer.concat(parts).toString())
      response.writeHead(418, { 'X-Pot': 'a', 'Set-Cookie': ['b', 'c'] }).end('short and stout')
    })
  })
  const ask = { method: 'DELETE', url: server.url('/a?b'), headers: { 'X-Rig': '1' }, body: 'grün' }
  const answer = await fetch(ask, { hosts: [server.place] })
  isAnswer(answer, 418, 'short and stout')
  assert.deepEqual(seen, [
    'DELETE',
    '/a?b',
    { 'user-agent': 'OpenRacing', 'x-rig': '1', 'content-length': '5', host: server.place, connection: 'close' },
    'grün',
  ])
  assert.ok(answer.kind === 'response')
  const headers = answer.headers.filter(([name]) => name === 'x-pot' || name === 'set-cookie')
  assert.deepEqual(headers, [
    ['x-pot', 'a'],
    ['set-cookie', 'b'],
    ['set-cookie', 'c'],
  ])
})

test('what the manifest does not list is not reached, other ports of the same host among it', async () => {
  let reached = 0
  await using server = await httpServer((_, response) => void response.end(String(reached++)))
  for (const hosts of [
    [],
    ['127.0.0.1'],
    [`127.0.0.1:${server.port - 1}`],
    ['127.0.0.2'],
    ['localhost'],
    ['example.org'],
  ]) {
    isNo(
      await fetch({ url: server.url() }, { hosts }),
      'refused',
      /is not among the hosts that the manifest lists; add it to/,
    )
  }
  assert.equal(reached, 0)
})

const loopback: Resolve = async () => [{ address: '127.0.0.1', family: 4 }]

test('a name that leads to this machine is refused, unless the manifest lists the address', async () => {
  let reached = 0
  await using server = await httpServer((_, response) => void response.end(String(++reached)))
  const url = `http://rig.test:${server.port}/`
  const named = `rig.test:${server.port}`
  const remedy = new RegExp(
    `^rig\\.test is 127\\.0\\.0\\.1, .* list the address itself .*: 127\\.0\\.0\\.1:${server.port}$`,
  )
  isNo(await fetch({ url }, { hosts: [named], resolve: loopback }), 'refused', remedy)
  isNo(await fetch({ url }, { hosts: [named, '127.0.0.1:1'], resolve: loopback }), 'refused', remedy)
  assert.equal(reached, 0)
  isAnswer(await fetch({ url }, { hosts: [named, server.place], resolve: loopback }), 200, '1')
})

test('one address of a name that is not public is a refusal of all', async () => {
  for (const address of ['10.0.0.1', '169.254.169.254', '::1', 'fe80::1', '::ffff:127.0.0.1', '64:ff9b::7f00:1']) {
    const resolve: Resolve = async () => [
      { address: '93.184.216.34', family: 4 },
      { address, family: address.includes(':') ? 6 : 4 },
    ]
    isNo(await fetch({ url: 'http://a.test/' }, { hosts: ['a.test'], resolve }), 'refused', /^a\.test is /)
  }
})

test('the address that was checked is the one that is connected to, whatever the name says the next time', async () => {
  let asked = 0
  const rebinding: Resolve = async () => [{ address: asked++ === 0 ? '127.0.0.1' : '127.0.0.9', family: 4 }]
  await using server = await httpServer((request, response) => void response.end(request.headers.host))
  const name = `rig.test:${server.port}`
  const answer = await fetch({ url: `http://${name}/` }, { hosts: [name, server.place], resolve: rebinding })
  isAnswer(answer, 200, name)
  assert.equal(asked, 1)
})

test('localhost is a name like others', async () => {
  await using server = await httpServer((_, response) => void response.end('reached'))
  const hosts = [`localhost:${server.port}`]
  const answer = await fetch({ url: `http://localhost:${server.port}/` }, { hosts, resolve: loopback })
  isNo(answer, 'refused', /^localhost is 127\.0\.0\.1/)
})

test('a name that is not found, or has no address, has failed', async () => {
  isNo(
    await fetch({ url: 'http://a.test/' }, { hosts: ['a.test'] }),
    'failed',
    /the name a\.test was not found \(ENOTFOUND\)/,
  )
  const empty = await fetch({ url: 'http://a.test/' }, { hosts: ['a.test'], resolve: async () => [] })
  isNo(empty, 'failed', /the name a\.test has no address/)
})

test('redirects are followed where the manifest lists where they lead, five of them', async () => {
  await using other = await httpServer((request, response) => void response.end(`${request.method} ${request.url}`))
  await using server = await httpServer((request, response) => {
    const left = Number(request.url?.slice(1))
    const location = left > 1 ? `/${left - 1}` : other.url('/there')
    response.writeHead(302, { location }).end('moved')
  })
  const hosts = [server.place, other.place]
  isAnswer(await fetch({ url: server.url('/5') }, { hosts }), 200, 'GET /there')
  isNo(await fetch({ url: server.url('/6') }, { hosts }), 'failed', /redirected more than 5 times/)
  const stray = await fetch({ url: server.url('/1') }, { hosts: [server.place] })
  isNo(stray, 'refused', new RegExp(`^${other.place} is not among the hosts`))
})

test('a redirect to a name that leads to this machine is refused', async () => {
  await using server = await httpServer((_, response) => {
    response.writeHead(307, { location: `http://inside.test:${server.port}/` }).end()
  })
  const hosts = [server.place, `inside.test:${server.port + 1}`]
  isNo(await fetch({ url: server.url() }, { hosts, resolve: loopback }), 'refused', /^inside\.test:\d+ is not among/)
  await using first = await httpServer(
    (_, response) => void response.writeHead(307, { location: 'http://inside.test/' }).end(),
  )
  const inside = await fetch({ url: first.url() }, { hosts: [first.place, 'inside.test'], resolve: loopback })
  isNo(inside, 'refused', /^inside\.test is 127\.0\.0\.1/)
})

test('a redirect to something that is not HTTP is refused', async () => {
  for (const location of ['file:///etc/passwd', 'http://user:word@a.test/', 'ftp://a.test/', 'javascript:0']) {
    await using server = await httpServer((_, response) => void response.writeHead(302, { location }).end())
    isNo(await fetch({ url: server.url() }, { hosts: [server.place] }), 'refused', /redirects to "/)
  }
  await using server = await httpServer((_, response) => void response.writeHead(302, { location: 'http://[' }).end())
  isNo(await fetch({ url: server.url() }, { hosts: [server.place] }), 'failed', /which is no URL/)
})

test('a response that is larger than there is room for has failed', async () => {
  await using server = await httpServer(
    (request, response) => void response.end('x'.repeat(Number(request.url?.slice(1)))),
  )
  const hosts = [server.place]
  isAnswer(await fetch({ url: server.url('/1048576') }, { hosts }), 200, 'x'.repeat(1_048_576))
  isNo(
    await fetch({ url: server.url('/1048577') }, { hosts }),
    'failed',
    /more than 1048576 bytes; ask for less at once/,
  )
})

test('a response without an end is cut off', async () => {
  await using server = await httpServer((_, response) => {
    const pour = (): void => {
      while (response.write('x'.repeat(65_536)));
    }
    response.on('drain', pour)
    pour()
  })
  isNo(await fetch({ url: server.url() }, { hosts: [server.place] }), 'failed', /more than 1048576 bytes/)
})

test('a server that says nothing is not waited for longer than a request may take', async () => {
  await using server = await plainServer(() => {})
  const limits = { requestMs: 50 }
  isNo(await fetch({ url: server.url() }, { hosts: [server.place], limits }), 'failed', /^it took more than 50 ms$/)
})

test('a server that never ends its answer is not waited for either', async () => {
  await using server = await httpServer((_, response) => void response.write('the beginning'))
  const limits = { requestMs: 100 }
  isNo(await fetch({ url: server.url() }, { hosts: [server.place], limits }), 'failed', /took more than 100 ms/)
})

test('a name whose server does not answer is not waited for either', async () => {
  const limits = { requestMs: 50 }
  const answer = await fetch(
    { url: 'http://a.test/' },
    { hosts: ['a.test'], limits, resolve: () => new Promise(() => {}) },
  )
  isNo(answer, 'failed', /took more than 50 ms/)
})

test('a request that is withdrawn closes its connection', async () => {
  const withdrawn = new AbortController()
  const gone = Promise.withResolvers<void>()
  await using server = await plainServer((socket) => {
    socket.once('close', () => gone.resolve())
    withdrawn.abort()
  })
  const answer = await fetch({ url: server.url() }, { hosts: [server.place], withdrawn: withdrawn.signal })
  isNo(answer, 'failed', /nobody waits for it any more/)
  await gone.promise
})

test('nobody who listens is a failure, and not an exception', async () => {
  const server = await httpServer(() => {})
  await server[Symbol.asyncDispose]()
  isNo(
    await fetch({ url: server.url() }, { hosts: [server.place] }),
    'failed',
    /was not reached, or broke off \(ECONNREFUSED\)/,
  )
})

test('a certificate that nobody vouches for is a failure', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'openracing-certificate-'))
  const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')]
  const how = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, '-subj', '/CN=127.0.0.1']
  execFileSync('openssl', how, { stdio: 'ignore' })
  await using server = await listening(
    createSecureServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_, response) => void response.end('x')),
  )
  rmSync(directory, { recursive: true })
  const answer = await fetch({ url: `https://${server.place}/` }, { hosts: [server.place] })
  isNo(answer, 'failed', /was not reached, or broke off \(DEPTH_ZERO_SELF_SIGNED_CERT\)/)
})

const hostile: Readonly<Record<string, (socket: Socket) => void>> = {
  garbage: (socket) => socket.end('\0\x01\x02 what is this'),
  'nothing at all': (socket) => socket.end(),
  'a reset': (socket) => socket.resetAndDestroy(),
  'half of its headers': (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Le'),
  'less than it said': (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'),
  'two lengths': (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd'),
  'a length and pieces': (socket) =>
    socket.end('HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'),
  'a bad piece': (socket) => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc'),
  'a status of 999': (socket) => socket.end('HTTP/1.1 999 Whatever\r\nContent-Length: 0\r\n\r\n'),
  'another protocol': (socket) =>
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n'),
  'responses before the response, without end': (socket) => {
    const pour = (): void => {
      while (!socket.destroyed && socket.write('HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n'.repeat(100)));
    }
    socket.on('drain', pour)
    pour()
  },
  'headers without end': (socket) => {
    socket.write('HTTP/1.1 200 OK\r\n')
    const pour = (): void => {
      while (!socket.destroyed && socket.write(`x-filler: ${'a'.repeat(1000)}\r\n`));
    }
    socket.on('drain', pour)
    pour()
  },
}

for (const [vice, say] of Object.entries(hostile)) {
  test(`a server that answers with ${vice} makes a failure, and nothing else`, async () => {
    await using server = await plainServer(say)
    isNo(await fetch({ url: server.url() }, { hosts: [server.place] }), 'failed', /./)
  })
}

test('of many headers as many are read as there may be', async () => {
  await using server = await plainServer((socket) =>
    socket.end(`HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(500)}Content-Length: 0\r\n\r\n`),
  )
  const answer = await fetch({ url: server.url() }, { hosts: [server.place] })
  assert.ok(answer.kind === 'response')
  assert.equal(answer.headers.length, 64)
})

test('what is packed stays packed: nothing is asked for that way, and nothing is unpacked', async () => {
  const bomb = gzipSync(Buffer.alloc(100 << 20))
  let asked: string | undefined = 'never'
  await using server = await httpServer((request, response) => {
    asked = request.headers['accept-encoding']
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb)
  })
  const answer = await fetch({ url: server.url() }, { hosts: [server.place] })
  assert.equal(asked, undefined)
  assert.ok(answer.kind === 'response')
  assert.ok(bomb.equals(answer.body))
})
