import { BlockList, isIP } from 'node:net'

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4') // RFC 1122
loopback.addAddress('::1', 'ipv6') // RFC 4291

const portMax = 65_535

const form = 'write host:port with a port from 0 to 65535, such as 127.0.0.1:50051 or [::1]:50051'
const remote =
  'write 127.0.0.1 or [::1] as the host: remote access needs TLS client certificates, which this version does not have'

/** Every address of 127.0.0.0/8, and ::1. A name other than localhost could be any address by the time it is used. */
function isLoopback(host: string): boolean {
  const family = isIP(host)
  return family !== 0 && loopback.check(host, family === 6 ? 'ipv6' : 'ipv4')
}

/**
 * The address in `listen`, or what to write instead. `localhost` becomes 127.0.0.1, so that nobody's hosts file decides
 * who can reach the rig.
 */
export function parseListenAddress(text: string): { readonly address: string } | { readonly remedy: string } {
  const parts = /^(?:\[(?<v6>[^\]]+)\]|(?<name>[^:[\]]+)):(?<port>\d{1,5})$/.exec(text)?.groups
  if (parts === undefined || Number(parts.port) > portMax) return { remedy: form }
  const named = parts.name === 'localhost' ? '127.0.0.1' : parts.name
  const host = parts.v6 ?? named ?? ''
  if (parts.v6 !== undefined && isIP(host) !== 6) return { remedy: form }
  if (!isLoopback(host)) return { remedy: remote }
  return { address: `${parts.v6 === undefined ? host : `[${host}]`}:${Number(parts.port)}` }
}
