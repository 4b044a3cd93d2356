/** The hosts that a manifest lists, as `host` or `host:port`. */
export interface ListedHosts {
  /** Whether a plugin may reach this port of a host: a name or an address, as hostOf() writes it. */
  allows(host: string, port: number): boolean
  /** The same for datagrams, which have no usual port: `host` alone lists none. */
  allowsDatagram(host: string, port: number): boolean
}

/** Of http and https. */
const usualPorts: ReadonlySet<number> = new Set([80, 443])

export interface Place {
  readonly host: string
  /** Undefined where the text names none. */
  readonly port: number | undefined
}

/**
 * A host as it is compared: in lower case, a name of letters of any script as the one that is looked up, an address in
 * its one shortest form without brackets, and without the dot that a whole name may end with. Undefined for what is none.
 */
export function hostOf(text: string): string | undefined {
  const hostname = URL.parse(`http://${text}/`)?.hostname
  if (hostname === undefined || hostname === '' || /[/?#@\\]/.test(text)) return undefined
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname.replace(/\.$/, '')
}

/** `host`, `host:port`, `[address]` or `[address]:port`. */
export function placeOf(text: string): Place | undefined {
  const { name = '', port } = /^(?<name>\[[^\]]*\]|[^:[\]]+)(?::(?<port>\d{1,5}))?$/.exec(text)?.groups ?? {}
  const host = hostOf(name)
  const number = port === undefined ? undefined : Number(port)
  if (host === undefined || number === 0 || (number ?? 1) > 65_535) return undefined
  return { host, port: number }
}

/** What is no host lists none: manifests are checked when they are read. */
export function listHosts(list: readonly string[]): ListedHosts {
  const places = list.map(placeOf).filter((place) => place !== undefined)
  return {
    allows: (host, port) =>
      places.some(
        (place) => place.host === host && (place.port === undefined ? usualPorts.has(port) : place.port === port),
      ),
    allowsDatagram: (host, port) => places.some((place) => place.host === host && place.port === port),
  }
}
