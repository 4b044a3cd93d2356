import type { HttpAnswer } from '../../network/answer.ts'
import { faultOfUrl, type HttpAsk } from '../../network/http-ask.ts'

type Response = Extract<HttpAnswer, { kind: 'response' }>

const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/** What only the first host may know. */
const private_: ReadonlySet<string> = new Set(['authorization', 'cookie'])
/** What belongs to a body. */
const ofBody = /^content-/

function followed({ method, headers, body }: HttpAsk, status: number, from: URL, url: URL): HttpAsk {
  // As browsers do: what was posted is not posted again, unless the answer says so with 307 or 308.
  const asks = status === 303 ? method !== 'HEAD' : status < 303 && method === 'POST'
  const kept = headers.filter(
    ([name]) => (url.origin === from.origin || !private_.has(name)) && !(asks && ofBody.test(name)),
  )
  return { url, headers: kept, ...(asks ? { method: 'GET', body: new Uint8Array(0) } : { method, body }) }
}

/**
 * Where a response leads: the next request, what is wrong with it, or undefined for a response that leads nowhere. Whether
 * the manifest lists the next host is for reach() to say, as of the first.
 */
export function redirectOf(
  ask: HttpAsk,
  { status, headers }: Response,
): HttpAsk | Exclude<HttpAnswer, Response> | undefined {
  const location = headers.find(([name]) => name === 'location')?.[1]
  if (!redirects.has(status) || location === undefined) return undefined
  const shown = JSON.stringify(location.slice(0, 128))
  const url = URL.parse(location, ask.url.href)
  if (url === null) return { kind: 'failed', detail: `${ask.url.host} redirects to ${shown}, which is no URL` }
  const fault = faultOfUrl(url)
  if (fault !== undefined) return { kind: 'refused', detail: `${ask.url.host} redirects to ${shown}: ${fault}` }
  if (ask.url.protocol === 'https:' && url.protocol === 'http:') {
    return {
      kind: 'refused',
      detail: `${ask.url.host} redirects from https to ${shown}, which anybody could read; ask for that`,
    }
  }
  url.hash = ''
  return followed(ask, status, ask.url, url)
}
