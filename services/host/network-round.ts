import type { Logger } from 'pino'
import type {
  CarryRequestsRequest,
  CarryRequestsResponse,
  Datagram,
  HttpRequest,
} from '../../gen/proto/openracing/v1/wasm_runner.ts'
import type { HttpAnswer } from '../../network/answer.ts'
import { checkHttpAsk } from '../../network/http-ask.ts'
import { datagramRate, type NetworkLimits, requestRate } from '../../network/limits.ts'
import type { ListedHosts } from '../../network/listed-hosts.ts'
import { type Allowance, createAllowance } from '../../network/rate.ts'
import type { Datagrams } from './datagrams.ts'
import { fetchFor } from './network-fetch.ts'
import type { NetworkGrants } from './network-grants.ts'
import type { Resolve } from './network-lookup.ts'

export interface RoundNeeds {
  readonly grants: Pick<NetworkGrants, 'hostsOf'>
  readonly resolve: Resolve
  readonly datagrams: Pick<Datagrams, 'send'>
  readonly limits: NetworkLimits
  readonly log: Logger
  /** Monotonic, ms. */
  nowMs(): number
}

/**
 * What is carried for one wasm-runner. It is not trusted: strangers' code is in it. Whatever it sends is checked as if
 * nobody had checked it, and counted here.
 */
export interface Round {
  take(wish: CarryRequestsResponse): void
  /** Gives everything up. May be called twice. */
  end(): void
}

/** One plugin's share. */
interface Share {
  readonly requests: Allowance
  readonly datagrams: Allowance
  underWay: number
}

/** Sentences about datagrams that were not sent, so that each is told once. */
const toldMax = 256

function encode(number: number, answer: HttpAnswer): CarryRequestsRequest {
  if (answer.kind !== 'response') {
    return { number, outcome: { $case: answer.kind, value: answer.detail } }
  }
  const { status, headers, body } = answer
  const value = { status, headers: headers.map(([name, value]) => ({ name, value })), body: Buffer.from(body) }
  return { number, outcome: { $case: 'response', value } }
}

/** `answer`: where answers go. */
export function startRound(
  { grants, resolve, datagrams, limits, log, nowMs }: RoundNeeds,
  answer: (message: CarryRequestsRequest) => void,
): Round {
  const shares = new Map<string, Share>()
  const underWay = new Map<number, { readonly share: Share; readonly controller: AbortController }>()
  const told = new Set<string>()

  function shareOf(id: string): Share {
    const found = shares.get(id)
    if (found !== undefined) return found
    const [requests, sent] = [createAllowance(requestRate, nowMs()), createAllowance(datagramRate, nowMs())]
    const share: Share = { requests, datagrams: sent, underWay: 0 }
    shares.set(id, share) // only of plugins with a grant: so many there are
    return share
  }

  function faultOf({ requests, underWay: mine }: Share): string | undefined {
    if (mine >= limits.requestsOfPlugin) return `${mine} requests of this plugin are under way; wait for one of them`
    if (underWay.size >= limits.requestsOfAll)
      return `${underWay.size} requests of all plugins are under way; ask again`
    return requests.ask(nowMs()) ? undefined : `more than ${requestRate.perSecond} requests a second; ask less often`
  }

  async function fetch(id: string, request: HttpRequest, hosts: ListedHosts, number: number): Promise<void> {
    const headers = request.headers.map(({ name, value }) => [name, value] as const)
    const ask = checkHttpAsk({ ...request, headers })
    const share = shareOf(id)
    const fault = typeof ask === 'string' ? ask : faultOf(share)
    if (typeof ask === 'string' || fault !== undefined) {
      answer(encode(number, { kind: 'failed', detail: fault ?? '' }))
      return
    }
    const mine = new AbortController()
    underWay.set(number, { share, controller: mine })
    share.underWay++
    const said = await fetchFor(ask, hosts, { resolve, limits }, mine.signal).catch((cause): HttpAnswer => {
      log.error({ err: cause, plugin: id }, 'a request failed for a reason of our own')
      return { kind: 'failed', detail: 'an internal error, which the log has' }
    })
    // Where it was withdrawn its number may be another one's by now.
    if (underWay.get(number)?.controller === mine) {
      withdraw(number)
      answer(encode(number, said))
    }
  }

  async function sendDatagram(id: string, { to, payload }: Datagram, hosts: ListedHosts): Promise<void> {
    if (payload.length === 0 || payload.length > limits.datagramBytes || !shareOf(id).datagrams.ask(nowMs())) return
    const problem = await datagrams.send(to, payload, hosts)
    if (problem === undefined || told.has(`${id} ${problem.detail}`) || told.size >= toldMax) return
    told.add(`${id} ${problem.detail}`)
    log.warn({ plugin: id, to }, `a datagram was not sent, and others like it will not be: ${problem.detail}`)
  }

  /** Its place is free at once. */
  function withdraw(number: number): void {
    const asked = underWay.get(number)
    if (asked === undefined) return
    underWay.delete(number)
    asked.share.underWay--
    asked.controller.abort()
  }

  return {
    take({ number, pluginId, wish }) {
      const hosts = grants.hostsOf(pluginId)
      if (wish?.$case === 'withdrawal') withdraw(number)
      if (wish?.$case === 'datagram' && hosts !== undefined) void sendDatagram(pluginId, wish.value, hosts)
      if (wish?.$case !== 'http' || underWay.has(number)) return
      if (hosts === undefined) {
        const detail = 'this plugin was granted no host; list some in permissions.network'
        answer(encode(number, { kind: 'refused', detail }))
        return
      }
      void fetch(pluginId, wish.value, hosts, number)
    },
    end() {
      for (const number of [...underWay.keys()]) withdraw(number)
    },
  }
}
