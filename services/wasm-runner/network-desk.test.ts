import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CarryRequestsRequest, CarryRequestsResponse } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import { createOutbox } from '../../rpc/outbox.ts'
import { until } from '../../test/until.ts'
import { createNetworkDesk, type NetworkDesk } from './network-desk.ts'
import type { NetworkNews, NetworkWord } from './network-words.ts'

const askOf = (number: number): NetworkWord => ({
  ...{ kind: 'ask', number, method: 'GET', url: `http://a.test/${number}`, headers: [['a', 'b']] },
  body: Buffer.from('x'),
})

/** A host that carries for a desk. */
function carrier(desk: NetworkDesk) {
  const over = new AbortController()
  const answers = createOutbox<CarryRequestsRequest>(100)
  const wishes: CarryRequestsResponse[] = []
  const ended = (async () => {
    for await (const wish of desk.carry(answers, over.signal)) wishes.push(wish)
  })()
  return {
    wishes,
    answers,
    ended,
    goAway: () => over.abort(),
    got: (count: number) => until(`${count} wishes`, () => wishes.length >= count && wishes),
  }
}

const roomOf = (desk: NetworkDesk): number | undefined => new Int32Array(desk.room)[0]

const response = (number: number): CarryRequestsRequest => ({
  number,
  outcome: { $case: 'response', value: { status: 200, headers: [{ name: 'c', value: 'd' }], body: Buffer.from('y') } },
})

test('what a plugin asks goes out under its id, and the answer goes to the thread that asked', async () => {
  const desk = createNetworkDesk()
  assert.equal(roomOf(desk), 0, 'nobody carries')
  const host = carrier(desk)
  await until('there is room', () => roomOf(desk) === 1)
  const news: NetworkNews[] = []
  const seat = desk.open('plugin-a')
  seat.heard(askOf(41), (each) => void news.push(each))
  seat.heard({ kind: 'datagram', to: 'b.test:1', payload: Buffer.from('z') }, () => {})
  const [asked, datagram] = await host.got(2)
  assert.ok(asked?.wish?.$case === 'http' && datagram?.wish?.$case === 'datagram')
  assert.deepEqual(
    [asked.pluginId, asked.wish.value.url, asked.wish.value.headers],
    [...['plugin-a', 'http://a.test/41'], [{ name: 'a', value: 'b' }]],
  )
  assert.deepEqual([datagram.number, datagram.wish.value.to], [0, 'b.test:1'])
  host.answers.put(response(asked.number + 1)) // nobody's
  host.answers.put(response(asked.number))
  await until('there is news', () => news.length > 0)
  assert.deepEqual(news, [
    {
      number: 41,
      answer: { kind: 'response', status: 200, headers: [['c', 'd']], body: new Uint8Array(Buffer.from('y')) },
    },
  ])
  host.answers.put(response(asked.number))
  host.goAway()
  await host.ended
  assert.equal(news.length, 1, 'one answer for each')
})

test('an answer that says nothing, or no, is a failure or a refusal', async () => {
  const desk = createNetworkDesk()
  const host = carrier(desk)
  await until('there is room', () => roomOf(desk) === 1)
  const news: NetworkNews[] = []
  const seat = desk.open('a')
  for (const number of [1, 2, 3]) seat.heard(askOf(number), (each) => void news.push(each))
  const [first, second, third] = await host.got(3)
  host.answers.put({ number: first!.number, outcome: undefined })
  host.answers.put({ number: second!.number, outcome: { $case: 'failed', value: 'late' } })
  host.answers.put({ number: third!.number, outcome: { $case: 'refused', value: 'elsewhere' } })
  await until('all are answered', () => news.length === 3)
  assert.deepEqual(
    news.map(({ answer }) => answer),
    [
      { kind: 'failed', detail: 'the host says nothing of how it went' },
      { kind: 'failed', detail: 'late' },
      { kind: 'refused', detail: 'elsewhere' },
    ],
  )
  host.goAway()
})

test('of all plugins thirty-two requests are under way, and one that is withdrawn makes room', async () => {
  const desk = createNetworkDesk()
  const host = carrier(desk)
  await until('there is room', () => roomOf(desk) === 1)
  const news: NetworkNews[] = []
  const seats = Array.from({ length: 33 }, (_, at) => desk.open(`plugin-${at}`))
  for (const seat of seats) seat.heard(askOf(1), (each) => void news.push(each))
  assert.equal(roomOf(desk), 0)
  assert.match(JSON.stringify(news), /"failed","detail":"32 requests of all plugins are under way; ask again"/)
  seats[5]!.heard({ kind: 'withdraw', number: 1 }, () => {})
  seats[5]!.heard({ kind: 'withdraw', number: 1 }, () => {})
  assert.equal(roomOf(desk), 1)
  const wishes = await host.got(33)
  assert.deepEqual([wishes[32]?.wish?.$case, wishes[32]?.number], ['withdrawal', wishes[5]?.number])
  seats[6]!.withdrawAll()
  seats[6]!.withdrawAll()
  assert.equal((await host.got(34)).length, 34)
  host.goAway()
})

test('when the host goes away what is under way has failed, and nothing more is taken', async () => {
  const desk = createNetworkDesk()
  const host = carrier(desk)
  await until('there is room', () => roomOf(desk) === 1)
  const news: NetworkNews[] = []
  const seat = desk.open('a')
  seat.heard(askOf(1), (each) => void news.push(each))
  host.goAway()
  await host.ended
  seat.heard(askOf(2), (each) => void news.push(each))
  assert.deepEqual(
    news.map(({ number, answer }) => [number, answer.kind]),
    [
      [1, 'failed'],
      [2, 'failed'],
    ],
  )
  assert.equal(roomOf(desk), 0)
})

test('a host that opens the stream again takes the place of itself', async () => {
  const desk = createNetworkDesk()
  const first = carrier(desk)
  await until('there is room', () => roomOf(desk) === 1)
  const news: NetworkNews[] = []
  const seat = desk.open('a')
  seat.heard(askOf(1), (each) => void news.push(each))
  const [asked] = await first.got(1)
  const second = carrier(desk)
  await first.ended
  assert.equal(news[0]?.answer.kind, 'failed')
  first.answers.put(response(asked!.number))
  first.goAway()
  seat.heard(askOf(2), (each) => void news.push(each))
  const [next] = await second.got(1)
  second.answers.put(response(next!.number))
  await until('the second answers', () => news.length === 2)
  assert.deepEqual([news[1]?.number, news[1]?.answer.kind], [2, 'response'])
  second.answers.close()
  await second.ended
})
