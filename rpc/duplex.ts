import { once } from 'node:events'
import type { ClientDuplexStream } from '@grpc/grpc-js'
import { toFailure } from './client.ts'

async function send<Request>(
  stream: ClientDuplexStream<Request, unknown>,
  requests: AsyncIterable<Request>,
  signal: AbortSignal,
): Promise<void> {
  for await (const request of requests) {
    if (signal.aborted) return
    if (!stream.write(request)) await once(stream, 'drain', { signal })
  }
  stream.end()
}

/**
 * A call in which both sides stream: sends `requests` as fast as the other side takes them, and yields its answers
 * meanwhile. Whoever stops reading, aborts, or whose requests fail, ends the call. Fails as call() of client.ts does.
 */
export async function* duplex<Request, Response>(
  stream: ClientDuplexStream<Request, Response>,
  requests: AsyncIterable<Request>,
  signal: AbortSignal,
): AsyncGenerator<Response, void, undefined> {
  stream.on('error', () => {}) // told by the loop below, if anybody still listens
  const over = new AbortController()
  const either = AbortSignal.any([signal, over.signal])
  let failure: unknown
  either.addEventListener('abort', () => stream.cancel())
  if (either.aborted) stream.cancel()
  // Nobody waits for its end: it may wait for a next request that does not come.
  void send(stream, requests, either).catch((cause) => {
    if (!either.aborted) failure = cause
    over.abort()
  })
  try {
    for await (const response of stream) yield response as Response
  } catch (cause) {
    throw failure ?? toFailure(cause as Error)
  } finally {
    over.abort() // a call that is over takes no notice of it
  }
}
