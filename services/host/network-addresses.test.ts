import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isPublicAddress } from './network-addresses.ts'

const table: Readonly<Record<string, { readonly inside: readonly string[]; readonly beside?: readonly string[] }>> = {
  'unspecified and this network': { inside: ['0.0.0.0', '0.255.255.255', '::'], beside: ['1.0.0.0'] },
  loopback: { inside: ['127.0.0.1', '127.255.255.255', '::1'], beside: ['126.255.255.255', '128.0.0.0'] },
  'private, RFC 1918': {
    inside: ['10.0.0.0', '10.255.255.255', '172.16.0.0', '172.31.255.255', '192.168.0.1', '192.168.255.255'],
    beside: ['9.255.255.255', '11.0.0.0', '172.15.255.255', '172.32.0.0', '192.167.255.255', '192.169.0.0'],
  },
  'private, ULA': { inside: ['fc00::', 'fd00::1', 'fdff:ffff::1'] },
  'link-local and metadata': {
    inside: ['169.254.0.1', '169.254.169.254', 'fe80::1', 'fe80::1%eth0', 'febf::1', 'fec0::1', 'fd00:ec2::254'],
    beside: ['169.253.255.255', '169.255.0.0'],
  },
  'carrier NAT': { inside: ['100.64.0.0', '100.127.255.255'], beside: ['100.63.255.255', '100.128.0.0'] },
  multicast: { inside: ['224.0.0.1', '239.255.255.250', 'ff02::1', 'ff0e::1'], beside: ['223.255.255.255'] },
  'reserved and broadcast': { inside: ['240.0.0.1', '255.255.255.255'] },
  'documentation and benchmarks': {
    inside: ['192.0.2.1', '198.51.100.1', '203.0.113.1', '198.18.0.1', '198.19.255.255', '2001:db8::1', '3fff::1'],
    beside: ['192.0.3.1', '198.17.255.255', '198.20.0.0', '203.0.114.1', '2001:db9::1', '3fff:1000::1'],
  },
  'protocol assignments': { inside: ['192.0.0.1', '192.88.99.1', '2001::1', '2001:2::1', '2001:1ff::1', '100::1'] },
  'IPv4 in IPv6, mapped': {
    inside: ['::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:10.1.2.3', '::ffff:169.254.169.254', '::ffff:0.0.0.0'],
    beside: ['::ffff:8.8.8.8'],
  },
  'IPv4 in IPv6, compatible and translated': { inside: ['::127.0.0.1', '::8.8.8.8', '::ffff:0:127.0.0.1'] },
  'IPv4 in IPv6, NAT64': {
    inside: ['64:ff9b::127.0.0.1', '64:ff9b::a00:1', '64:ff9b::c0a8:1', '64:ff9b:1::a00:1', '64:ff9b:1::8.8.8.8'],
    beside: ['64:ff9b::8.8.8.8'],
  },
  'IPv4 in IPv6, 6to4': {
    inside: ['2002:7f00:1::', '2002:a00:1::1', '2002:c0a8:101::', '2002:a9fe:a9fe::'],
    beside: ['2002:808:808::'],
  },
  'IPv4 in IPv6, Teredo': { inside: ['2001:0:4136:e378:8000:63bf:3fff:fdd2'] },
  'outside of global unicast': { inside: ['4000::1', '5f00::1', '1fff::1', 'e000::1'] },
  'no address': { inside: ['', 'localhost', '127.1', '0x7f.1', '1.2.3', '1.2.3.4.5', '1.2.3.4 ', ':::'] },
  public: { inside: [], beside: ['8.8.8.8', '93.184.216.34', '2606:4700::1111', '2a00:1450:4001::1'] },
}

for (const [what, { inside, beside = [] }] of Object.entries(table)) {
  test(`an address is public or not: ${what}`, () => {
    for (const address of inside) assert.equal(isPublicAddress(address), false, address)
    for (const address of beside) assert.equal(isPublicAddress(address), true, address)
  })
}
