import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { test } from 'node:test'
import { listHosts } from '../../network/listed-hosts.ts'
import { inTime } from '../../test/until.ts'
import { openDatagrams } from './datagrams.ts'
import type { Resolve } from './network-lookup.ts'

async function receiver(type: 'udp4' | 'udp6', address: string) {
  const socket = createSocket(type)
  socket.bind(0, address)
  await once(socket, 'listening')
  return {
    port: socket.address().port,
    next: async () => ((await inTime('a datagram is there', once(socket, 'message'))) as [Buffer])[0].toString(),
    [Symbol.asyncDispose]: () => new Promise<void>((done) => socket.close(done)),
  }
}

const bytes = (text: string): Uint8Array => Buffer.from(text)

test('a datagram arrives where the manifest lists the address, and a name that leads there needs that, too', async () => {
  await using it = await receiver('udp4', '127.0.0.1')
  let lookups = 0
  let nowMs = 0
  const resolve: Resolve = async () => {
    lookups++
    return [{ address: '127.0.0.1', family: 4 }]
  }
  const datagrams = openDatagrams(resolve, () => nowMs)
  const [place, named] = [`127.0.0.1:${it.port}`, `dash.test:${it.port}`]
  assert.equal(await datagrams.send(place, bytes('one'), listHosts([place])), undefined)
  assert.equal(await it.next(), 'one')
  const refused = await datagrams.send(named, bytes('two'), listHosts([named]))
  assert.match(refused?.detail ?? '', /^dash\.test is 127\.0\.0\.1, .* list the address itself/)
  assert.equal(await datagrams.send(named, bytes('three'), listHosts([named, place])), undefined)
  assert.equal(await it.next(), 'three')
  assert.equal(lookups, 1, 'a name is looked up now and then, and not for each datagram')
  nowMs = 30_001
  await datagrams.send(named, bytes('four'), listHosts([named, place]))
  assert.equal(await it.next(), 'four')
  assert.equal(lookups, 2)
  datagrams.close()
  datagrams.close()
  assert.equal(await datagrams.send(place, bytes('five'), listHosts([place])), undefined, 'it is dropped')
})

test('a host that is listed without a port, or not at all, gets no datagrams', async () => {
  const datagrams = openDatagrams(async () => [], Date.now)
  for (const hosts of [[], ['a.test'], ['a.test:81'], ['b.test:80']]) {
    const problem = await datagrams.send('a.test:80', bytes('x'), listHosts(hosts))
    assert.match(problem?.detail ?? '', /a\.test:80 is not among the hosts that the manifest lists/)
  }
  const nowhere = await datagrams.send('a.test', bytes('x'), listHosts(['a.test']))
  assert.equal(nowhere?.kind, 'refused')
  datagrams.close()
})

test('a name that is not found is asked for again', async () => {
  let lookups = 0
  const resolve: Resolve = () => {
    lookups++
    return Promise.reject(Object.assign(new Error('not now'), { code: 'EAI_AGAIN' }))
  }
  const datagrams = openDatagrams(resolve, () => 0)
  for (let each = 0; each < 2; each++) {
    const problem = await datagrams.send('a.test:80', bytes('x'), listHosts(['a.test:80']))
    assert.match(problem?.detail ?? '', /^the name a\.test was not found \(EAI_AGAIN\)/)
  }
  assert.equal(lookups, 2)
  datagrams.close()
})
