import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { pino } from 'pino'
import type { CarryRequestsRequest, CarryRequestsResponse } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import { type NetworkLimits, networkLimits } from '../../network/limits.ts'
import { until } from '../../test/until.ts'
import { createNetworkGrants } from './network-grants.ts'
import { startRound } from './network-round.ts'

/** A round over a server that answers when the test says so. */
async function rig(limits: Partial<NetworkLimits> = {}) {
  const held: { readonly path: string; readonly response: ServerResponse }[] = []
  const server = createServer((request, response) => void held.push({ path: request.url ?? '', response }))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const place = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const grants = createNetworkGrants()
  const grant = (id: string, network: readonly string[]): void => grants.grant(id, network)
  grant('a', [place])
  grant('b', [place])
  const answers: CarryRequestsRequest[] = []
  const lines: string[] = []
  const sent: string[] = []
  let nowMs = 0
  const round = startRound(
    {
      ...{ grants, limits: { ...networkLimits, ...limits }, nowMs: () => nowMs },
      resolve: () => Promise.reject(new Error('no names here')),
      datagrams: {
        async send(to) {
          sent.push(to)
          return to === 'refused' ? { kind: 'refused', detail: 'it is not listed' } : undefined
        },
      },
      log: pino({}, { write: (line) => void lines.push(JSON.parse(line).msg) }),
    },
    (message) => void answers.push(message),
  )
  const take = (number: number, pluginId: string, wish: CarryRequestsResponse['wish']): void =>
    round.take({ number, pluginId, wish })
  return {
    ...{ grants, grant, answers, lines, sent, held, place, round, take },
    ask: (number: number, pluginId = 'a', url = `http://${place}/${number}`) =>
      take(number, pluginId, { $case: 'http', value: { method: 'GET', url, headers: [], body: Buffer.alloc(0) } }),
    withdraw: (number: number) => take(number, 'a', { $case: 'withdrawal', value: {} }),
    datagram: (to: string, bytes = 5, pluginId = 'a') =>
      take(0, pluginId, { $case: 'datagram', value: { to, payload: Buffer.alloc(bytes) } }),
    arrived: (path: string) => until(`${path} arrives`, () => held.find((each) => each.path === path)),
    answered: (number: number) =>
      until(`${number} is answered`, () => answers.find((each) => each.number === number)?.outcome),
    pass: (ms: number) => {
      nowMs += ms
    },
    async [Symbol.asyncDispose]() {
      round.end()
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}

const detail = (outcome: CarryRequestsRequest['outcome']): string => {
  assert.ok(outcome?.$case === 'failed' || outcome?.$case === 'refused', JSON.stringify(outcome))
  return `${outcome.$case}: ${outcome.value}`
}

test('a request is done and answered under its number', async () => {
  await using it = await rig()
  it.ask(7)
  ;(await it.arrived('/7')).response.writeHead(201, { 'x-a': 'b' }).end('done')
  const outcome = await it.answered(7)
  assert.ok(outcome.$case === 'response')
  assert.deepEqual([outcome.value.status, outcome.value.body.toString()], [201, 'done'])
  assert.ok(outcome.value.headers.some(({ name, value }) => name === 'x-a' && value === 'b'))
})

test('a plugin has four requests under way, and the fifth fails until one of them is over', async () => {
  await using it = await rig()
  for (const number of [1, 2, 3, 4, 5]) it.ask(number)
  assert.match(detail(await it.answered(5)), /^failed: 4 requests of this plugin are under way; wait for one of them/)
  it.ask(6, 'b')
  ;(await it.arrived('/6')).response.end()
  await it.answered(6)
  it.withdraw(1)
  it.ask(8)
  ;(await it.arrived('/8')).response.end()
  assert.equal((await it.answered(8)).$case, 'response')
  assert.equal(
    it.answers.find(({ number }) => number === 1),
    undefined,
    'nobody waits for it',
  )
})

test('all plugins together have as many as there may be', async () => {
  await using it = await rig({ requestsOfAll: 2 })
  it.ask(1, 'a')
  it.ask(2, 'b')
  it.ask(3, 'b')
  assert.match(detail(await it.answered(3)), /^failed: 2 requests of all plugins are under way; ask again/)
})

test('a plugin asks twenty times at once, and ten times a second', async () => {
  await using it = await rig({ requestMs: 1 })
  const refused = (): number =>
    it.answers.filter(({ outcome }) => outcome?.$case === 'failed' && /a second/.test(outcome.value)).length
  const askFor = async (first: number, count: number): Promise<void> => {
    for (let number = first; number < first + count; number++) {
      it.ask(number)
      await it.answered(number)
    }
  }
  await askFor(1, 25)
  assert.equal(refused(), 5)
  it.pass(1000)
  await askFor(26, 12)
  assert.equal(refused(), 7)
})

test('whatever a runner says, only what the manifest of a loaded plugin lists is reached', async () => {
  await using it = await rig()
  it.ask(1, 'nobody')
  assert.match(detail(await it.answered(1)), /^refused: this plugin was granted no host; list some in/)
  it.ask(2, 'a', 'http://127.0.0.1:1/')
  assert.match(detail(await it.answered(2)), /^refused: 127\.0\.0\.1:1 is not among the hosts/)
  it.ask(3, 'a', 'file:///etc/passwd')
  assert.match(detail(await it.answered(3)), /^failed: file: is not carried/)
  const smuggled = {
    method: 'GET',
    url: `http://${it.place}/`,
    headers: [{ name: 'host', value: 'b' }],
    body: Buffer.alloc(0),
  }
  it.take(4, 'a', { $case: 'http', value: smuggled })
  assert.match(detail(await it.answered(4)), /^failed: the header "host" is the host's to write/)
  it.take(5, 'a', { $case: 'http', value: { ...smuggled, headers: [], method: 'POST', body: Buffer.alloc(65_537) } })
  assert.match(detail(await it.answered(5)), /^failed: the body is 65537 bytes/)
  it.grants.revoke('a')
  it.ask(6)
  assert.match(detail(await it.answered(6)), /^refused: /)
  it.grants.clear()
  it.ask(7, 'b')
  assert.match(detail(await it.answered(7)), /^refused: /)
  it.take(8, 'a', undefined)
  it.ask(9, '__proto__')
  assert.match(detail(await it.answered(9)), /^refused: /)
  assert.deepEqual(it.held, [])
})

test('a number that is under way is not another request', async () => {
  await using it = await rig()
  it.ask(1)
  it.ask(1, 'b', `http://${it.place}/other`)
  ;(await it.arrived('/1')).response.end()
  await it.answered(1)
  assert.deepEqual(
    it.held.map(({ path }) => path),
    ['/1'],
  )
})

test('a round that ends gives up what is under way, and ends twice', async () => {
  await using it = await rig()
  it.ask(1)
  const { response } = await it.arrived('/1')
  const gone = once(response, 'close')
  it.round.end()
  it.round.end()
  await gone
  assert.deepEqual(it.answers, [])
})

test('datagrams have a size and a rate, and one that is refused is told once', async () => {
  await using it = await rig()
  it.datagram('a.test:1', 0)
  it.datagram('a.test:1', 1201)
  it.datagram('a.test:1', 5, 'nobody')
  assert.deepEqual(it.sent, [])
  it.datagram('a.test:1', 1200)
  it.datagram('refused')
  it.datagram('refused')
  await until('it is told', () => it.lines.length > 0)
  assert.deepEqual(it.lines, ['a datagram was not sent, and others like it will not be: it is not listed'])
  for (let each = 0; each < 300; each++) it.datagram('a.test:1')
  assert.equal(it.sent.length, 200)
})
