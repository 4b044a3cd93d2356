import { lookup } from 'node:dns/promises'

export interface Address {
  /** Of IPv4 or IPv6. */
  readonly address: string
  readonly family: number
}

/** The addresses of a name. Rejects where it has none. */
export type Resolve = (host: string) => Promise<readonly Address[]>

/**
 * Look-ups under way. A name whose server does not answer keeps one of libuv's four threads for as long as the system
 * likes, and the host has other uses for them.
 */
const lookupsMax = 2

/** The system's own resolver, `/etc/hosts` and all. Who asks for a name that is being looked up gets the same answer. */
export function createResolver(resolve: Resolve = (host) => lookup(host, { all: true })): Resolve {
  const underWay = new Map<string, Promise<readonly Address[]>>()
  const waiting: (() => void)[] = []
  let running = 0

  async function inTurn(host: string): Promise<readonly Address[]> {
    if (running >= lookupsMax) await new Promise<void>((turn) => waiting.push(turn))
    else running++
    try {
      return await resolve(host)
    } finally {
      underWay.delete(host)
      const next = waiting.shift() // takes our place
      if (next === undefined) running--
      else next()
    }
  }

  return (host) => {
    const answer = underWay.get(host) ?? inTurn(host)
    underWay.set(host, answer)
    return answer
  }
}

/** How long datagrams go where their name led, ms: there may be hundreds of them a second. */
const keepMs = 30_000

/** Remembers what names resolved to. Names that did not resolve are asked for again. */
export function rememberAddresses(resolve: Resolve, nowMs: () => number): Resolve {
  const known = new Map<string, { readonly answer: Promise<readonly Address[]>; readonly untilMs: number }>()
  return (host) => {
    const found = known.get(host)
    if (found !== undefined && nowMs() < found.untilMs) return found.answer
    const answer = resolve(host)
    known.set(host, { answer, untilMs: nowMs() + keepMs })
    answer.catch(() => known.delete(host))
    return answer
  }
}
