import type { HttpAnswer } from '../../network/answer.ts'
import { readHttpAsk, targetOf } from '../../network/http-ask.ts'
import { datagramRate, networkLimits, requestRate } from '../../network/limits.ts'
import { listHosts, placeOf } from '../../network/listed-hosts.ts'
import { createAllowance } from '../../network/rate.ts'
import { hostResult } from './host-result.ts'
import type { NetworkGrant, NetworkWord } from './network-words.ts'
import type { ThreadNetwork } from './thread-network.ts'

/** Requests that one instance may have, under way or not yet closed: each may hold a body. */
const handlesMax = 8

/** JSON of a request, bytes: its body and its headers, with room for what JSON writes as two. */
export const askBytesMax = 2 * (networkLimits.requestBodyBytes + networkLimits.headerBytes)

/** The longest `host:port`, bytes: 253 characters of a name. */
const placeBytesMax = 259

export interface GuestNetworkNeeds {
  readonly grant: NetworkGrant
  readonly thread: ThreadNetwork
  /** Monotonic, ms. */
  now(): number
  tell(word: NetworkWord): void
  /** A line of the plugin's log, about what it cannot see in a code. */
  warn(sentence: string): void
  /** It called what it was not granted. */
  refuse(detail: string): void
}

/** The network as one instance sees it. What the functions answer is in the contract of the SDK; none throws. */
export interface GuestNetwork {
  request(json: Uint8Array | undefined): number
  status(handle: number): number
  read(handle: number, into: Uint8Array | undefined): number
  header(handle: number, name: Uint8Array | undefined, into: Uint8Array | undefined): number
  close(handle: number): number
  send(to: Uint8Array | undefined, payload: Uint8Array | undefined): number
  /**
   * These are the hosts from now on; none: it has no network. What it asked of others is withdrawn, and what they answered
   * and was not read is gone.
   */
  grant(hosts: readonly string[]): void
  /** The instance is gone: what it asked for is withdrawn. May be called twice. */
  end(): void
}

interface Exchange {
  readonly number: number
  readonly what: string
  readonly host: string
  readonly port: number
  answer: HttpAnswer | undefined
  /** Bytes of the body that were read. */
  taken: number
  told: boolean
}

const unlisted: HttpAnswer = { kind: 'refused', detail: 'its host was taken from the list of those that it may reach' }

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

export function createGuestNetwork(needs: GuestNetworkNeeds): GuestNetwork {
  const { grant, thread, now, tell, warn, refuse } = needs
  let listed = grant.hosts
  let hosts = listHosts(listed)
  const room = new Int32Array(grant.room)
  const requests = createAllowance(requestRate, now())
  const datagrams = createAllowance(datagramRate, now())
  const handles = new Map<number, Exchange>()
  let lastHandle = 0

  const deny = (call: string, what: string): number => {
    refuse(`${call} ${what}`)
    return hostResult.permissionDenied
  }
  const denyAll = (call: string): number =>
    grant.isRequested === true
      ? hostResult.permissionDenied
      : deny(call, 'needs Network with a list of hosts, which it was not granted')

  const busy = (sentence: string): number => {
    warn(sentence)
    return hostResult.error
  }

  /** Whether something may be asked for now; the answer where it may not. */
  function faultNow(): string | undefined {
    if (Atomics.load(room, 0) === 0) return 'nothing is carried to the network now'
    if (handles.size >= handlesMax) return `${handles.size} requests are not closed; close one of them`
    const underWay = [...handles.values()].filter(({ answer }) => answer === undefined).length
    return underWay < networkLimits.requestsOfPlugin
      ? undefined
      : `${underWay} requests are under way; wait for one of them`
  }

  const settled = (exchange: Exchange): HttpAnswer | undefined => {
    while (exchange.answer === undefined && thread.listen());
    if (exchange.answer === undefined && thread.waits) {
      withdraw(exchange)
      exchange.answer = { kind: 'failed', detail: 'there was no answer in the time that the call has' }
    }
    const { answer } = exchange
    if (answer === undefined || answer.kind === 'response' || exchange.told) return answer
    exchange.told = true
    warn(`${exchange.what}: ${answer.detail}`)
    return answer
  }

  function withdraw({ number, answer }: Exchange): void {
    if (answer !== undefined) return
    thread.forget(number)
    tell({ kind: 'withdraw', number })
  }

  return {
    request(json) {
      if (listed.length === 0) return denyAll('http_request')
      if (!requests.ask(now())) return busy(`http_request: more than ${requestRate.perSecond} a second; ask less often`)
      if (json === undefined || json.length > askBytesMax) return hostResult.invalidArgument
      const ask = readHttpAsk(json)
      if (typeof ask === 'string') {
        warn(`http_request: ${ask}`)
        return hostResult.invalidArgument
      }
      const { host, port } = targetOf(ask.url)
      if (!hosts.allows(host, port))
        return deny('http_request', `to ${host}, port ${port}, which its manifest does not list`)
      const fault = faultNow()
      if (fault !== undefined) return busy(`http_request: ${fault}`)
      const { method, url, headers, body } = ask
      const number = thread.begin((answer) => {
        exchange.answer = answer
      })
      const what = `${method} ${url.origin}${url.pathname}`.slice(0, 256)
      const exchange: Exchange = { number, what, host, port, answer: undefined, taken: 0, told: false }
      tell({ kind: 'ask', number, method, url: url.href, headers, body })
      handles.set(++lastHandle, exchange)
      return lastHandle
    },

    status(handle) {
      const exchange = handles.get(handle)
      if (exchange === undefined) return hostResult.invalidArgument
      const answer = settled(exchange)
      if (answer === undefined) return 0
      if (answer.kind === 'response') return answer.status
      return answer.kind === 'failed' ? hostResult.error : hostResult.permissionDenied
    },

    read(handle, into) {
      const exchange = handles.get(handle)
      if (exchange === undefined || into === undefined || into.length === 0) return hostResult.invalidArgument
      const answer = settled(exchange)
      if (answer?.kind !== 'response') return hostResult.error
      const piece = answer.body.subarray(exchange.taken, exchange.taken + into.length)
      into.set(piece)
      exchange.taken += piece.length
      if (piece.length === 0) handles.delete(handle)
      return piece.length
    },

    header(handle, name, into) {
      const exchange = handles.get(handle)
      if (exchange === undefined || name === undefined || name.length > 128 || into === undefined) {
        return hostResult.invalidArgument
      }
      const answer = settled(exchange)
      if (answer?.kind !== 'response') return hostResult.error
      const wanted = textOf(name).toLowerCase()
      const values = answer.headers.filter(([each]) => each === wanted).map(([, value]) => value)
      const text = Buffer.from(values.join(', '))
      if (text.length > into.length) return hostResult.bufferTooSmall
      into.set(text)
      return text.length
    },

    close(handle) {
      const exchange = handles.get(handle)
      if (exchange === undefined) return hostResult.invalidArgument
      handles.delete(handle)
      withdraw(exchange)
      return hostResult.ok
    },

    send(to, payload) {
      if (listed.length === 0) return denyAll('udp_send')
      if (!datagrams.ask(now())) return busy(`udp_send: more than ${datagramRate.perSecond} a second; send less often`)
      if (to === undefined || to.length > placeBytesMax || payload === undefined) return hostResult.invalidArgument
      const place = placeOf(textOf(to))
      if (place?.port === undefined || payload.length === 0 || payload.length > networkLimits.datagramBytes) {
        return hostResult.invalidArgument
      }
      if (!hosts.allowsDatagram(place.host, place.port)) {
        return deny('udp_send', `to ${place.host}, port ${place.port}, which its manifest does not list`)
      }
      if (Atomics.load(room, 0) === 0) return hostResult.error
      tell({ kind: 'datagram', to: textOf(to), payload: payload.slice() })
      return hostResult.ok
    },

    grant(next) {
      listed = next
      hosts = listHosts(next)
      for (const exchange of handles.values()) {
        if (hosts.allows(exchange.host, exchange.port)) continue
        withdraw(exchange)
        exchange.answer = unlisted
      }
    },

    end() {
      for (const exchange of handles.values()) withdraw(exchange)
      handles.clear()
    },
  }
}
