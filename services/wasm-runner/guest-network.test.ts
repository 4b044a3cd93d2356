import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HttpAnswer } from '../../network/answer.ts'
import { createGuestNetwork } from './guest-network.ts'
import type { NetworkWord } from './network-words.ts'
import { createThreadNetwork } from './thread-network.ts'

function rig(hosts: readonly string[] = ['a.test', '10.0.0.1:9000'], listen?: () => boolean) {
  const room = new SharedArrayBuffer(4)
  const word = new Int32Array(room)
  word[0] = 1
  const words: NetworkWord[] = []
  const lines: string[] = []
  const refused: string[] = []
  let nowMs = 0
  const thread = createThreadNetwork(listen)
  const network = createGuestNetwork({
    ...{ grant: { hosts, room }, thread, now: () => nowMs },
    tell: (said) => void words.push(said),
    warn: (line) => void lines.push(line),
    refuse: (detail) => void refused.push(detail),
  })
  return {
    ...{ network, words, lines, refused, thread },
    ask: (url = 'http://a.test/', more: object = {}) =>
      network.request(Buffer.from(JSON.stringify({ method: 'GET', url, ...more }))),
    kinds: () => words.map(({ kind }) => kind),
    answer: (number: number, answer: Partial<Extract<HttpAnswer, { kind: 'response' }>> = {}) =>
      thread.deliver({
        number,
        answer: { kind: 'response', status: 200, headers: [], body: new Uint8Array(0), ...answer },
      }),
    deliver: thread.deliver,
    setRoom: (value: number) => {
      word[0] = value
    },
    pass: (ms: number) => {
      nowMs += ms
    },
  }
}

const bytes = (text: string): Uint8Array => Buffer.from(text)

test('a request is under way, is answered, is read in pieces, and is gone at its end', () => {
  const it = rig()
  const handle = it.ask('http://A.test/x#y', { headers: { Accept: '*/*' } })
  assert.equal(handle, 1)
  const [asked] = it.words
  assert.ok(asked?.kind === 'ask')
  assert.deepEqual([asked.method, asked.url, asked.headers], ['GET', 'http://a.test/x', [['accept', '*/*']]])
  const into = new Uint8Array(4)
  assert.deepEqual([it.network.status(handle), it.network.read(handle, into)], [0, -1])
  it.answer(1, {
    status: 404,
    body: bytes('abcdef'),
    headers: [
      ['x', '1'],
      ['x', '2'],
    ],
  })
  assert.equal(it.network.status(handle), 404)
  assert.equal(it.network.header(handle, bytes('X'), into), 4)
  assert.equal(Buffer.from(into).toString(), '1, 2')
  assert.equal(it.network.header(handle, bytes('y'), into), 0)
  assert.equal(it.network.header(handle, bytes('x'), new Uint8Array(3)), -4)
  assert.deepEqual([it.network.read(handle, into), Buffer.from(into).toString()], [4, 'abcd'])
  assert.deepEqual([it.network.read(handle, into), Buffer.from(into).toString()], [2, 'efcd'])
  assert.equal(it.network.read(handle, into), 0)
  assert.deepEqual([it.network.status(handle), it.network.read(handle, into), it.network.close(handle)], [-2, -2, -2])
  assert.deepEqual(it.kinds(), ['ask'], 'what is over is not withdrawn')
})

test('a failure and a refusal are told apart, and each is in the log once', () => {
  const it = rig()
  const [failed, refused] = [it.ask('http://a.test/1?secret'), it.ask('http://a.test/2')]
  it.deliver({ number: 1, answer: { kind: 'failed', detail: 'it took too long' } })
  it.deliver({ number: 2, answer: { kind: 'refused', detail: 'b.test is not listed' } })
  for (let each = 0; each < 3; each++) {
    assert.deepEqual([it.network.status(failed), it.network.status(refused)], [-1, -3])
  }
  assert.equal(it.network.read(failed, new Uint8Array(1)), -1)
  assert.deepEqual(it.lines, ['GET http://a.test/1: it took too long', 'GET http://a.test/2: b.test is not listed'])
  assert.deepEqual(it.refused, [], 'where a server leads is not what the plugin asked for')
})

test('a plugin without hosts is refused, and charged, before anything of it is read', () => {
  const it = rig([])
  assert.deepEqual([it.network.request(undefined), it.network.send(undefined, undefined)], [-3, -3])
  assert.deepEqual(it.refused, [
    'http_request needs Network with a list of hosts, which it was not granted',
    'udp_send needs Network with a list of hosts, which it was not granted',
  ])
})

test('a host that is not listed is refused, and charged', () => {
  const it = rig()
  for (const url of ['http://b.test/', 'http://a.test:81/', 'http://10.0.0.1/', 'https://a.test:9000/']) {
    assert.equal(it.ask(url), -3, url)
  }
  assert.equal(it.network.send(bytes('a.test:80'), bytes('x')), -3)
  assert.match(it.refused.join('\n'), /^http_request to b\.test, port 80, which its manifest does not list\n/)
  assert.deepEqual(it.words, [])
})

test('what is no request is -2, and the log says what is wrong with it', () => {
  const it = rig()
  assert.equal(it.network.request(undefined), -2)
  assert.equal(it.network.request(bytes('{')), -2)
  assert.equal(it.network.request(new Uint8Array(200_000)), -2)
  assert.equal(it.ask('http://a.test/', { headers: { host: 'b.test' } }), -2)
  assert.match(it.lines.at(-1) ?? '', /^http_request: the header "host" is the host's to write/)
  assert.deepEqual([it.network.status(1), it.network.status(-1), it.network.close(0)], [-2, -2, -2])
})

test('four requests are under way at most, and eight are not closed', () => {
  const it = rig()
  const handles = [1, 2, 3, 4].map(() => it.ask())
  assert.deepEqual([handles, it.ask()], [[1, 2, 3, 4], -1])
  assert.match(it.lines.at(-1) ?? '', /4 requests are under way; wait for one of them/)
  for (const number of [1, 2, 3, 4]) it.answer(number)
  assert.deepEqual(
    [5, 6, 7, 8].map(() => it.ask()),
    [5, 6, 7, 8],
  )
  for (const number of [5, 6, 7, 8]) it.answer(number)
  assert.equal(it.ask(), -1)
  assert.match(it.lines.at(-1) ?? '', /8 requests are not closed; close one of them/)
  assert.equal(it.network.close(3), 0)
  assert.equal(it.ask(), 9, 'a handle is not used again')
})

test('twenty requests at once, ten a second, and the others are -1; closing them does not help', () => {
  const it = rig()
  const results = Array.from({ length: 25 }, () => {
    const handle = it.ask()
    it.network.close(handle)
    return handle
  })
  assert.equal(results.filter((handle) => handle > 0).length, 20)
  assert.equal(it.kinds().filter((kind) => kind === 'withdraw').length, 20)
  it.pass(1000)
  assert.equal(Array.from({ length: 25 }, () => it.ask('nonsense')).filter((code) => code === -2).length, 10)
})

test('where nothing is carried a request is -1, and a datagram, too', () => {
  const it = rig()
  it.setRoom(0)
  assert.deepEqual([it.ask(), it.network.send(bytes('10.0.0.1:9000'), bytes('x'))], [-1, -1])
  assert.match(it.lines.join(), /http_request: nothing is carried to the network now/)
})

test('a datagram goes to a place that is listed with its port, and has 1200 bytes at most', () => {
  const it = rig()
  const payload = new Uint8Array(1200)
  assert.equal(it.network.send(bytes('10.0.0.1:9000'), payload), 0)
  payload.fill(1)
  const [sent] = it.words
  assert.ok(sent?.kind === 'datagram')
  assert.deepEqual([sent.to, sent.payload.length, sent.payload[0]], ['10.0.0.1:9000', 1200, 0], 'it is a copy')
  for (const to of ['10.0.0.1', 'a test:1', '', ':9000', '10.0.0.1:99999']) {
    assert.equal(it.network.send(bytes(to), bytes('x')), -2, to)
  }
  assert.equal(it.network.send(bytes('10.0.0.1:9000'), new Uint8Array(1201)), -2)
  assert.equal(it.network.send(bytes('10.0.0.1:9000'), new Uint8Array(0)), -2)
  assert.equal(it.network.send(undefined, bytes('x')), -2)
  assert.equal(it.network.send(new Uint8Array(1000), bytes('x')), -2)
})

test('what an instance asked for is withdrawn when it ends, and its answers are nobody’s', () => {
  const it = rig()
  const [first] = [it.ask(), it.ask(), it.ask()]
  it.answer(2)
  it.network.end()
  it.network.end()
  assert.deepEqual(
    it.words.slice(3).map((word) => word.kind === 'withdraw' && word.number),
    [1, 3],
  )
  it.answer(1)
  assert.equal(it.network.status(first!), -2)
})

test('instances of one thread have handles of their own', () => {
  const it = rig()
  it.ask()
  const other = createGuestNetwork({
    grant: { hosts: ['a.test'], room: new SharedArrayBuffer(4) },
    ...{ thread: it.thread, now: () => 0, tell() {}, warn() {}, refuse() {} },
  })
  assert.equal(other.status(1), -2)
  it.answer(1)
  assert.equal(it.network.status(1), 200)
})

test('a plugin that is called waits for its answer', () => {
  let waits = 0
  const it = rig(undefined, () => {
    if (++waits === 3) it.answer(1, { body: bytes('late') })
    return true
  })
  const handle = it.ask()
  assert.equal(it.network.status(handle), 200)
  assert.equal(waits, 3)
  assert.equal(it.network.read(handle, new Uint8Array(9)), 4)
})

test('a plugin that is called waits no longer than its call may take, and then what it asked for is withdrawn', () => {
  let left = 3
  const it = rig(undefined, () => left-- > 0)
  const handle = it.ask()
  assert.equal(it.network.status(handle), -1)
  assert.match(it.lines.join(), /no answer in the time that the call has/)
  assert.deepEqual(it.kinds(), ['ask', 'withdraw'])
  it.answer(1)
  assert.equal(it.network.status(handle), -1, 'it does not come back')
})

test('hosts that are taken away lose what was asked of them, answered or not, and the others nothing', () => {
  const it = rig(['a.test', 'b.test', 'c.test'])
  const [asked, answered, other] = [it.ask('http://a.test/'), it.ask('http://c.test/'), it.ask('http://b.test/')]
  it.answer(2, { body: bytes('kept') })
  it.network.grant(['b.test', 'd.test'])
  assert.deepEqual([it.network.status(asked), it.network.status(answered), it.network.status(other)], [-3, -3, 0])
  assert.equal(it.network.read(answered, new Uint8Array(4)), -1)
  assert.deepEqual(it.words.slice(3), [{ kind: 'withdraw', number: 1 }])
  it.answer(3)
  assert.equal(it.network.status(other), 200)
  assert.deepEqual(it.refused, [], 'it did nothing that it was not granted')
  assert.deepEqual([it.ask('http://a.test/'), it.ask('http://d.test/')], [-3, 4])
})

test('a plugin that loses the network is refused, and asks again when it has it back', () => {
  const it = rig(['a.test'])
  it.network.grant([])
  assert.equal(it.ask(), -3)
  assert.match(it.refused.join(), /needs Network/)
  it.network.grant(['a.test'])
  assert.equal(it.ask(), 1)
})
