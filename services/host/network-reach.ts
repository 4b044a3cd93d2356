import { isIP } from 'node:net'
import type { HttpAnswer } from '../../network/answer.ts'
import { hostOf } from '../../network/listed-hosts.ts'
import { isPublicAddress } from './network-addresses.ts'
import type { Address, Resolve } from './network-lookup.ts'

/** Where a plugin is led to: exactly these addresses, or nowhere. */
export type Reach =
  | { readonly kind: 'open'; readonly addresses: readonly Address[] }
  | Exclude<HttpAnswer, { kind: 'response' }>

/** ListedHosts' answer for whatever is to be sent. */
export type Allows = (host: string, port: number) => boolean

const written = (host: string, port: number): string => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)

/** How ListedHosts compares it. */
const canonical = (address: string): string => hostOf(address.includes(':') ? `[${address}]` : address) ?? address

async function resolved(host: string, resolve: Resolve): Promise<readonly Address[] | string> {
  try {
    const addresses = await resolve(host)
    return addresses.length > 0 ? addresses : `the name ${host} has no address`
  } catch (cause) {
    const { code = 'no reason' } = cause as NodeJS.ErrnoException
    return `the name ${host} was not found (${code})`
  }
}

/**
 * Checks where a request leads, and resolves its name, once: whoever connects takes these addresses and asks for the name
 * no more. One address among them that is not of the public internet, and that the manifest does not list as such, is a
 * refusal of all.
 */
export async function reach(host: string, port: number, allows: Allows, resolve: Resolve): Promise<Reach> {
  if (!allows(host, port)) {
    const place = written(host, port)
    return {
      kind: 'refused',
      detail: `${place} is not among the hosts that the manifest lists; add it to permissions.network`,
    }
  }
  const family = isIP(host)
  if (family !== 0) return { kind: 'open', addresses: [{ address: host, family }] }
  const addresses = await resolved(host, resolve)
  if (typeof addresses === 'string') return { kind: 'failed', detail: addresses }
  const inside = addresses.find(({ address }) => !isPublicAddress(address) && !allows(canonical(address), port))
  if (inside === undefined) return { kind: 'open', addresses }
  return {
    kind: 'refused',
    detail:
      `${host} is ${inside.address}, an address of this machine, of a local network or of no network; ` +
      `list the address itself in permissions.network: ${written(inside.address, port)}`,
  }
}
