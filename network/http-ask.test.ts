import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readHttpAsk, targetOf } from './http-ask.ts'

const read = (value: unknown) => readHttpAsk(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)))
const get = { method: 'GET', url: 'http://example.org/' }

test('a request is read whole', () => {
  const ask = read({
    method: 'POST',
    url: 'https://MÜNCHEN.example.:8443/a?b#c',
    headers: { 'Content-Type': 'text/plain', 'X-Rig': 'a, b' },
    body: 'grün',
  })
  assert.ok(typeof ask !== 'string', String(ask))
  assert.deepEqual(
    [ask.method, ask.url.href, ask.headers, Buffer.from(ask.body).toString()],
    [
      'POST',
      'https://xn--mnchen-3ya.example.:8443/a?b',
      [
        ['content-type', 'text/plain'],
        ['x-rig', 'a, b'],
      ],
      'grün',
    ],
  )
  assert.deepEqual(targetOf(ask.url), { host: 'xn--mnchen-3ya.example', port: 8443 })
})

test('a port that is not written is that of the scheme', () => {
  assert.deepEqual(targetOf(new URL('http://[::1]/')), { host: '::1', port: 80 })
  assert.deepEqual(targetOf(new URL('https://a.test/')), { host: 'a.test', port: 443 })
})

const refusals: readonly (readonly [unknown, RegExp])[] = [
  ['', /is not JSON .*; write \{"method", "url"/],
  ['[]', /lacks something/],
  ['null', /is no JSON object/],
  [{ url: 'http://a.test/' }, /lacks something/],
  [{ ...get, timeout: 1 }, /the request has "timeout"/],
  [{ ...get, headers: { a: 1 } }, /lacks something/],
  [{ ...get, headers: ['a'] }, /lacks something/],
  [{ ...get, method: 'CONNECT' }, /the method is "CONNECT"; use GET, /],
  [{ ...get, method: 'get' }, /the method is "get"/],
  [{ ...get, url: '/relative' }, /the URL is "\/relative", 9 characters; write a whole one/],
  [{ ...get, url: `http://a.test/${'a'.repeat(2048)}` }, /2062 characters; write a whole one of at most 2048/],
  [{ ...get, url: `http://a.test/${'ä'.repeat(1000)}` }, /the URL has 6014 characters/],
  [{ ...get, url: 'file:///etc/passwd' }, /^file: is not carried; ask for http: or https:$/],
  [{ ...get, url: 'ftp://a.test/' }, /^ftp: is not carried/],
  [{ ...get, url: 'http://user@a.test/' }, /a user or a password; send them in a header/],
  [{ ...get, url: 'http://:word@a.test/' }, /a user or a password/],
  [{ ...get, headers: { 'a b': '' } }, /"a b" is no name of a header/],
  [{ ...get, headers: { '': '' } }, /"" is no name of a header/],
  [{ ...get, headers: { a: 'b\r\nhost: c' } }, /the header "a" has other characters/],
  [{ ...get, headers: { a: 'grün' } }, /the header "a" has other characters/],
  [{ ...get, headers: { a: 'b'.repeat(16_384) } }, /the headers are 16389 bytes; send at most 16384/],
  [{ ...get, body: 'a' }, /GET has no body/],
  [{ ...get, method: 'POST', body: 'a'.repeat(65_537) }, /the body is 65537 bytes; send at most 65536/],
  [`[${'['.repeat(100_000)}`, /more in it than a request has/],
  [`{${'"a":1,'.repeat(1000)}`, /more in it than a request has/],
  [
    { ...get, headers: Object.fromEntries(Array.from({ length: 65 }, (_, at) => [`h${at}`, ''])) },
    /there are 65 headers/,
  ],
]

for (const header of [
  'Host',
  'connection',
  'Content-Length',
  'transfer-encoding',
  'TE',
  'trailer',
  'Upgrade',
  'expect',
]) {
  test(`the header ${header} is the host's to write`, () => {
    assert.match(String(read({ ...get, headers: { [header]: 'a' } })), /is the host's to write; leave it out$/)
  })
}

test('the host writes headers of proxies, of browsers and of encodings, too', () => {
  for (const header of ['Proxy-Authorization', 'Sec-Fetch-Mode', 'X-Forwarded-For', 'Accept-Encoding', 'Keep-Alive']) {
    assert.match(String(read({ ...get, headers: { [header]: 'a' } })), /is the host's to write/, header)
  }
})

test('what is no request is told in one sentence', () => {
  for (const [value, sentence] of refusals) {
    const ask = read(value)
    assert.ok(typeof ask === 'string', JSON.stringify(value)?.slice(0, 80))
    assert.match(ask, sentence)
  }
})

test('bytes that are not UTF-8 are no request', () => {
  assert.match(String(readHttpAsk(Uint8Array.of(0x22, 0xff, 0x22))), /is not JSON/)
})
