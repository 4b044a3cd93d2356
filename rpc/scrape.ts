import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Logger } from 'pino'
import { RigError } from './failure.ts'

/** Pages for programs that speak HTTP/1.1, by their paths: the text of each. Undefined: there is no such page. */
export type Pages = (path: string) => Promise<string> | undefined

const textType = 'text/plain; version=0.0.4; charset=utf-8'

function answer(response: ServerResponse, code: number, body: string, type = 'text/plain; charset=utf-8'): void {
  response.writeHead(code, { 'content-type': type, 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

/**
 * A server without an address: connections are handed to it (`connection`). `admit`: whether a connection may ask once
 * more.
 */
export function createScrapeServer(pages: Pages, admit: (socket: Socket) => boolean, log: Logger): Server {
  async function serve({ method, url = '/', socket }: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!admit(socket)) return answer(response, 429, 'asked more often than access.calls_per_second allows\n')
    if (method !== 'GET') return answer(response, 405, 'only GET is answered here; the API is gRPC\n')
    const page = pages(new URL(url, 'http://rig').pathname)
    if (page === undefined) return answer(response, 404, 'there is /metrics; the API is gRPC\n')
    answer(response, 200, await page, textType)
  }
  return createServer((request, response) => {
    serve(request, response).catch((cause: unknown) => {
      if (cause instanceof RigError) return answer(response, 503, `${cause.message}\n`)
      log.error({ err: cause }, 'a page could not be made')
      answer(response, 500, 'internal error\n')
    })
  })
}
