import { once } from 'node:events'
import type {
  handleBidiStreamingCall,
  handleServerStreamingCall,
  ServerDuplexStream,
  ServerWritableStream,
} from '@grpc/grpc-js'
import type { Logger } from 'pino'
import { asCaller } from './peer.ts'
import { toStatus } from './status.ts'

function pump<Request, Response>(
  call: ServerWritableStream<Request, Response> | ServerDuplexStream<Request, Response>,
  produce: (signal: AbortSignal) => AsyncGenerator<Response, void, undefined>,
  log: Logger,
): Promise<void> {
  const abort = new AbortController()
  call.on('cancelled', () => abort.abort())
  call.on('error', () => abort.abort())
  return asCaller(call.metadata, async () => {
    try {
      for await (const message of produce(abort.signal)) {
        if (abort.signal.aborted) break
        if (!call.write(message)) await once(call, 'drain', { signal: abort.signal })
      }
      call.end()
    } catch (cause) {
      if (!abort.signal.aborted) call.emit('error', Object.assign(new Error(), toStatus(cause, log)))
    }
  })
}

/**
 * Adapts an async generator to a server stream. The generator is asked for the next message only when the client has
 * room for it, so a slow reader skips what it did not ask for and never makes the server remember. It ends when the
 * client goes away: `signal` aborts, and the generator returns.
 */
export const serverStream =
  <Request, Response>(
    produce: (request: Request, signal: AbortSignal) => AsyncGenerator<Response, void, undefined>,
    log: Logger,
  ): handleServerStreamingCall<Request, Response> =>
  (call) =>
    pump(call, (signal) => produce(call.request, signal), log)

/** As serverStream, for a call in which the client streams, too. Who reads `requests` slowly makes the client wait. */
export const duplexStream =
  <Request, Response>(
    produce: (requests: AsyncIterable<Request>, signal: AbortSignal) => AsyncGenerator<Response, void, undefined>,
    log: Logger,
  ): handleBidiStreamingCall<Request, Response> =>
  (call) =>
    // To read no further is no end of the call: it still needs an answer, or a refusal.
    pump(call, (signal) => produce(call.iterator({ destroyOnReturn: false }), signal), log)
