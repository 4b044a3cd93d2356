import * as http from 'node:http'
import * as https from 'node:https'
import type { LookupFunction } from 'node:net'
import type { HttpAnswer } from '../../network/answer.ts'
import { type Header, type HttpAsk, targetOf } from '../../network/http-ask.ts'
import type { NetworkLimits } from '../../network/limits.ts'
import type { Address } from './network-lookup.ts'

export type ExchangeLimits = Pick<NetworkLimits, 'headers' | 'headerBytes' | 'responseBodyBytes'>

/** Responses before the response, of 1xx; more of them are somebody's game. */
const interimMax = 8

/** Answers with the addresses that were checked, whatever the name has become meanwhile. */
const pinned =
  (addresses: readonly Address[]): LookupFunction =>
  (_, { all }, done) => {
    if (all) done(null, [...addresses])
    else done(null, addresses[0]!.address, addresses[0]!.family)
  }

/** What goes out: the plugin's headers, and those that are ours to write. */
function headersOf({ headers, body }: HttpAsk): http.OutgoingHttpHeaders {
  const length = body.length > 0 ? { 'content-length': body.length } : {}
  return { 'user-agent': 'OpenRacing', ...Object.fromEntries(headers), ...length }
}

const failed = (detail: string): HttpAnswer => ({ kind: 'failed', detail })

function readHeaders({ rawHeaders }: http.IncomingMessage, max: number): readonly Header[] {
  const count = Math.min(max, rawHeaders.length / 2)
  return Array.from({ length: count }, (_, at) => [rawHeaders[2 * at]!.toLowerCase(), rawHeaders[2 * at + 1]!] as const)
}

async function readResponse(response: http.IncomingMessage, host: string, limits: ExchangeLimits): Promise<HttpAnswer> {
  const { statusCode: status = 0 } = response
  if (status < 100 || status > 599) return failed(`${host} answered with the status ${status}, which is none of HTTP`)
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of response as AsyncIterable<Buffer>) {
    bytes += piece.length
    if (bytes > limits.responseBodyBytes) {
      return failed(`${host} answered with more than ${limits.responseBodyBytes} bytes; ask for less at once`)
    }
    pieces.push(piece)
  }
  return { kind: 'response', status, headers: readHeaders(response, limits.headers), body: Buffer.concat(pieces) }
}

function failureOf(cause: NodeJS.ErrnoException, host: string, { headerBytes }: ExchangeLimits): HttpAnswer {
  if (cause.code === 'HPE_HEADER_OVERFLOW')
    return failed(`${host} answered with more than ${headerBytes} bytes of headers`)
  return failed(`${host} was not reached, or broke off (${cause.code ?? cause.message})`)
}

/**
 * One request and its response, over a connection of its own to one of these addresses. No failure of the other side is
 * an exception. Nothing is unpacked, and no cookie, redirect or connection is kept. Aborted, it is failed at once.
 */
export async function exchange(
  ask: HttpAsk,
  addresses: readonly Address[],
  limits: ExchangeLimits,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const { host, port } = targetOf(ask.url)
  const call = (ask.url.protocol === 'https:' ? https : http).request({
    ...{ host, port, method: ask.method, path: `${ask.url.pathname}${ask.url.search}`, headers: headersOf(ask) },
    ...{
      agent: false,
      lookup: pinned(addresses),
      maxHeaderSize: limits.headerBytes,
      insecureHTTPParser: false,
      signal,
    },
    rejectUnauthorized: true, // whatever our environment says
  })
  let interim = 0
  call.on('information', () => {
    if (++interim > interimMax) call.destroy(new Error(`it sent more than ${interimMax} responses before the response`))
  })
  const answered = new Promise<http.IncomingMessage>((resolve, reject) => {
    call.once('response', resolve)
    call.once('upgrade', (_, socket) => {
      socket.destroy()
      reject(new Error('it switched to another protocol'))
    })
    call.on('error', reject) // also after the response, when nobody listens for it
  })
  call.end(ask.body)
  try {
    return await readResponse(await answered, host, limits)
  } catch (cause) {
    return failureOf(cause as NodeJS.ErrnoException, host, limits)
  } finally {
    call.destroy()
  }
}
