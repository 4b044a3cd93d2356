import { BlockList, isIP } from 'node:net'

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4') // RFC 1122
loopback.addAddress('::1', 'ipv6') // RFC 4291

const portMax = 65_535

const form = 'write host:port with a port from 0 to 65535, such as 127.0.0.1:50051 or [::1]:50051'
const remote =
  'write 127.0.0.1 or [::1] as the host; who comes from elsewhere needs a certificate, and comes in by remote.listen'

/** Every address of 127.0.0.0/8, and ::1. A name other than localhost could be any address by the time it is used. */
function isLoopback(host: string): boolean {
  const family = isIP(host)
  return family !== 0 && loopback.check(host, family === 6 ? 'ipv6' : 'ipv4')
}

/** `host:port`, split; undefined for anything else. */
function split(text: string): { readonly host: string; readonly port: number; readonly isV6: boolean } | undefined {
  const parts = /^(?:\[(?<v6>[^\]]+)\]|(?<name>[^:[\]]+)):(?<port>\d{1,5})$/.exec(text)?.groups
  if (parts === undefined || Number(parts.port) > portMax) return undefined
  const isV6 = parts.v6 !== undefined
  if (isV6 && isIP(parts.v6 as string) !== 6) return undefined
  return { host: parts.v6 ?? (parts.name as string), port: Number(parts.port), isV6 }
}

const joined = (host: string, port: number, isV6: boolean): string => `${isV6 ? `[${host}]` : host}:${port}`

/**
 * The address in `listen`, or what to write instead. `localhost` becomes 127.0.0.1, so that nobody's hosts file decides
 * who can reach the rig.
 */
export function parseListenAddress(text: string): { readonly address: string } | { readonly remedy: string } {
  const parts = split(text)
  if (parts === undefined) return { remedy: form }
  const host = parts.host === 'localhost' ? '127.0.0.1' : parts.host
  return isLoopback(host) ? { address: joined(host, parts.port, parts.isV6) } : { remedy: remote }
}

/** The address in `remote.listen`, of a network of this machine, or what to write instead. */
export function parseRemoteAddress(text: string): { readonly address: string } | { readonly remedy: string } {
  const parts = split(text)
  if (parts === undefined || isIP(parts.host) === 0) {
    return { remedy: 'write address:port with a port from 0 to 65535, such as 0.0.0.0:50052 or [::]:50052' }
  }
  return { address: joined(parts.host, parts.port, parts.isV6) }
}
