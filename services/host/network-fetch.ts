import type { HttpAnswer } from '../../network/answer.ts'
import { type HttpAsk, targetOf } from '../../network/http-ask.ts'
import type { NetworkLimits } from '../../network/limits.ts'
import type { ListedHosts } from '../../network/listed-hosts.ts'
import { exchange } from './http-exchange.ts'
import type { Resolve } from './network-lookup.ts'
import { reach } from './network-reach.ts'
import { redirectOf } from './network-redirect.ts'

export interface FetchNeeds {
  readonly resolve: Resolve
  readonly limits: NetworkLimits
}

/** Resolves with what `work` does, or is rejected at once when the signal says so. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort)
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

async function follow(first: HttpAsk, hosts: ListedHosts, { resolve, limits }: FetchNeeds, signal: AbortSignal) {
  let ask = first
  for (let redirects = 0; ; redirects++) {
    const { host, port } = targetOf(ask.url)
    // Each time anew: what was allowed before says nothing about where it leads now.
    const target = await unlessAborted(reach(host, port, hosts.allows, resolve), signal)
    if (target.kind !== 'open') return target
    const answer = await exchange(ask, target.addresses, limits, signal)
    const next = answer.kind === 'response' ? redirectOf(ask, answer) : undefined
    if (next === undefined) return answer
    if ('kind' in next) return next
    if (redirects >= limits.redirects) {
      return { kind: 'failed', detail: `it was redirected more than ${limits.redirects} times` } as const
    }
    ask = next
  }
}

/** Does what a plugin asks for, where its manifest lists the hosts, and follows redirects. Never rejects but for our own fault. */
export async function fetchFor(
  ask: HttpAsk,
  hosts: ListedHosts,
  needs: FetchNeeds,
  withdrawn: AbortSignal,
): Promise<HttpAnswer> {
  const { requestMs } = needs.limits
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(), requestMs)
  const signal = AbortSignal.any([late.signal, withdrawn])
  const aborted = (): HttpAnswer => ({
    kind: 'failed',
    detail: late.signal.aborted ? `it took more than ${requestMs} ms` : 'nobody waits for it any more',
  })
  try {
    const answer = await follow(ask, hosts, needs, signal)
    return answer.kind === 'failed' && signal.aborted ? aborted() : answer
  } catch (cause) {
    if (signal.aborted) return aborted()
    throw cause
  } finally {
    clearTimeout(timer)
  }
}
