import { BlockList, isIP } from 'node:net'

/**
 * IPv4 that is not of the public internet: RFC 6890 and what the IANA's registry of special addresses has beside it.
 * 169.254.0.0/16 has the metadata services of clouds.
 */
const special4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8], // this network, unspecified
  ['10.0.0.0', 8], // private
  ['100.64.0.0', 10], // behind a provider's NAT
  ['127.0.0.0', 8], // loopback
  ['169.254.0.0', 16], // link-local
  ['172.16.0.0', 12], // private
  ['192.0.0.0', 24], // protocol assignments
  ['192.0.2.0', 24], // documentation
  ['192.88.99.0', 24], // 6to4 relays, withdrawn
  ['192.168.0.0', 16], // private
  ['198.18.0.0', 15], // benchmarks
  ['198.51.100.0', 24], // documentation
  ['203.0.113.0', 24], // documentation
  ['224.0.0.0', 4], // multicast
  ['240.0.0.0', 4], // reserved, broadcast
]

/** IPv6 that is public: global unicast, and two ranges that stand for IPv4. Everything else is not. */
const public6: readonly (readonly [string, number])[] = [
  ['2000::', 3],
  ['::ffff:0.0.0.0', 96], // IPv4, mapped
  ['64:ff9b::', 96], // IPv4, through a NAT64
]

/** What of it is not. */
const special6: readonly (readonly [string, number])[] = [
  ['2001::', 23], // protocol assignments, Teredo and benchmarks among them
  ['2001:db8::', 32], // documentation
  ['3fff::', 20], // documentation
]

/** The IPv6 ranges that an IPv4 range is hidden in: mapped, NAT64, 6to4. */
function hiddenIn6([address, bits]: readonly [string, number]): readonly (readonly [string, number])[] {
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number)
  const word = (high: number, low: number): string => ((high << 8) | low).toString(16)
  return [
    [`::ffff:${address}`, 96 + bits],
    [`64:ff9b::${address}`, 96 + bits],
    [`2002:${word(a, b)}:${word(c, d)}::`, 16 + bits],
  ]
}

function rangesOf(ranges: readonly (readonly [string, number])[], family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList()
  for (const [address, bits] of ranges) list.addSubnet(address, bits, family)
  return list
}

const blocked4 = rangesOf(special4, 'ipv4')
const allowed6 = rangesOf(public6, 'ipv6')
const blocked6 = rangesOf([...special6, ...special4.flatMap(hiddenIn6)], 'ipv6')

/** Whether an address is one of the public internet; false for what is no address, or has a zone. */
export function isPublicAddress(address: string): boolean {
  switch (address.includes('%') ? 0 : isIP(address)) {
    case 4:
      return !blocked4.check(address, 'ipv4')
    case 6:
      return allowed6.check(address, 'ipv6') && !blocked6.check(address, 'ipv6')
    default:
      return false
  }
}
