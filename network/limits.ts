/** What plugins may ask of the network at most. The runner does not let more through, and the host does not do more. */
export const networkLimits = {
  /** Requests under way. */
  requestsOfPlugin: 4,
  requestsOfAll: 32,
  urlCharacters: 2048,
  /** Of a request, and what is read of a response. */
  headers: 64,
  headerBytes: 16_384,
  requestBodyBytes: 65_536,
  responseBodyBytes: 1 << 20,
  /** A whole request, from the name's look-up to the last byte, ms. */
  requestMs: 10_000,
  redirects: 5,
  /** Below what every way to the other end takes in one piece (1280 bytes of IPv6, less its headers). */
  datagramBytes: 1200,
} as const

export type NetworkLimits = { readonly [K in keyof typeof networkLimits]: number }

/** How often one plugin may ask: so many at once, and so many a second from then on. */
export const requestRate = { burst: 20, perSecond: 10 } as const
export const datagramRate = { burst: 200, perSecond: 200 } as const
