import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hostOf, listHosts, placeOf } from './listed-hosts.ts'

const hosts: readonly (readonly [string, string | undefined])[] = [
  ['Example.ORG', 'example.org'],
  ['example.org.', 'example.org'],
  ['example.org..', 'example.org.'], // no name: nobody lists it
  ['MÜNCHEN.example', 'xn--mnchen-3ya.example'],
  ['xn--mnchen-3ya.example', 'xn--mnchen-3ya.example'],
  ['127.0.0.1', '127.0.0.1'],
  ['127.1', '127.0.0.1'],
  ['0x7f000001', '127.0.0.1'],
  ['2130706433', '127.0.0.1'],
  ['[::1]', '::1'],
  ['[0:0:0:0:0:0:0:1]', '::1'],
  ['[FE80::0001]', 'fe80::1'],
  ['[::ffff:127.0.0.1]', '::ffff:7f00:1'],
  ['', undefined],
  ['a b', undefined],
  ['a/b', undefined],
  ['a@b', undefined],
  ['a?b', undefined],
  ['a#b', undefined],
  ['1.2.3.4.5', undefined],
  ['[::1', undefined],
]

test('a host has one way of being written, whatever way it was', () => {
  for (const [text, host] of hosts) assert.equal(hostOf(text), host, text)
})

test('a place is a host, with a port or without', () => {
  assert.deepEqual(placeOf('example.org'), { host: 'example.org', port: undefined })
  assert.deepEqual(placeOf('example.org:9000'), { host: 'example.org', port: 9000 })
  assert.deepEqual(placeOf('[::1]:9000'), { host: '::1', port: 9000 })
  assert.deepEqual(placeOf('[::1]'), { host: '::1', port: undefined })
  for (const none of ['example.org:0', 'example.org:65536', 'example.org:', ':80', '::1', 'a:b', '[::1]9', 'a:80:80']) {
    assert.equal(placeOf(none), undefined, none)
  }
})

test('a host that is listed alone has the ports of http and https, and no datagrams', () => {
  const listed = listHosts(['api.example.org'])
  assert.deepEqual(
    [80, 443, 8080, 0].map((port) => listed.allows('api.example.org', port)),
    [true, true, false, false],
  )
  assert.equal(listed.allowsDatagram('api.example.org', 80), false)
})

test('a host that is listed with a port has that one', () => {
  const listed = listHosts(['192.168.1.20:9000', '[FD00::1]:20777'])
  assert.deepEqual(
    [80, 443, 9000, 9001].map((port) => listed.allows('192.168.1.20', port)),
    [false, false, true, false],
  )
  assert.equal(listed.allowsDatagram('192.168.1.20', 9000), true)
  assert.equal(listed.allowsDatagram('fd00::1', 20_777), true)
})

test('a host below, above or beside one that is listed is another host', () => {
  const listed = listHosts(['example.org'])
  for (const host of ['api.example.org', 'org', 'example.org.evil.test', 'notexample.org', 'example.org.']) {
    assert.equal(listed.allows(host, 80), false, host)
  }
})
