import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type HttpAsk, readHttpAsk } from '../../network/http-ask.ts'
import { redirectOf } from './network-redirect.ts'

const headers = { authorization: 'Bearer x', cookie: 'y', 'content-type': 'text/plain', accept: '*/*' }

function askOf(part: object = {}): HttpAsk {
  const whole = { method: 'POST', url: 'https://a.test/from', headers, body: 'z', ...part }
  const ask = readHttpAsk(Buffer.from(JSON.stringify(whole)))
  assert.ok(typeof ask !== 'string', String(ask))
  return ask
}

const response = (status: number, location?: string) => ({
  kind: 'response' as const,
  ...{ status, body: new Uint8Array(0), headers: location === undefined ? [] : [['location', location] as const] },
})

function next(status: number, location: string, ask = askOf()) {
  const followed = redirectOf(ask, response(status, location))
  assert.ok(followed !== undefined && 'url' in followed, JSON.stringify(followed))
  return { ...followed, names: followed.headers.map(([name]) => name), body: Buffer.from(followed.body).toString() }
}

test('what leads nowhere is an answer', () => {
  assert.equal(redirectOf(askOf(), response(200, 'https://a.test/')), undefined)
  assert.equal(redirectOf(askOf(), response(302)), undefined)
  assert.equal(redirectOf(askOf(), response(304, 'https://a.test/')), undefined)
})

test('what was posted is posted again with 307 and 308 alone', () => {
  for (const status of [301, 302, 303]) {
    const { method, body, names } = next(status, '/to')
    assert.deepEqual([method, body, names], ['GET', '', ['authorization', 'cookie', 'accept']], `${status}`)
  }
  for (const status of [307, 308]) {
    const { method, body, url } = next(status, '/to#part')
    assert.deepEqual([method, body, url.href], ['POST', 'z', 'https://a.test/to'], `${status}`)
  }
  assert.equal(next(302, '/to', askOf({ method: 'PUT' })).method, 'PUT')
  assert.equal(next(303, '/to', askOf({ method: 'PUT' })).method, 'GET')
  assert.equal(next(303, '/to', askOf({ method: 'HEAD', body: '' })).method, 'HEAD')
})

test('what only the first host may know stays with it', () => {
  for (const location of ['https://b.test/', 'https://a.test:8443/']) {
    assert.deepEqual(next(307, location).names, ['content-type', 'accept'], location)
  }
  assert.deepEqual(next(307, 'https://A.test:443/x').names.length, 4)
})

test('https is not left for http', () => {
  const refused = redirectOf(askOf(), response(302, 'http://a.test/'))
  assert.ok(refused !== undefined && 'kind' in refused && refused.kind === 'refused')
  assert.match(refused.detail, /^a\.test redirects from https to "http:\/\/a\.test\/", which anybody could read/)
  assert.equal(next(302, 'https://a.test/', askOf({ url: 'http://a.test/' })).url.protocol, 'https:')
})
