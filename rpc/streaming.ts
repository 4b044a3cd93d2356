import { once } from 'node:events'
import type { handleServerStreamingCall } from '@grpc/grpc-js'
import type { Logger } from 'pino'
import { toStatus } from './failure.ts'

/**
 * Adapts an async generator to a server stream. The generator is asked for the next message only when the client has
 * room for it, so a slow reader skips what it did not ask for and never makes the server remember. It ends when the
 * client goes away: `signal` aborts, and the generator returns.
 */
export function serverStream<Request, Response>(
  produce: (request: Request, signal: AbortSignal) => AsyncGenerator<Response, void, undefined>,
  log: Logger,
): handleServerStreamingCall<Request, Response> {
  return async (call) => {
    const abort = new AbortController()
    call.on('cancelled', () => abort.abort())
    call.on('error', () => abort.abort())
    try {
      for await (const message of produce(call.request, abort.signal)) {
        if (abort.signal.aborted) break
        if (!call.write(message)) await once(call, 'drain', { signal: abort.signal })
      }
      call.end()
    } catch (cause) {
      if (!abort.signal.aborted) call.emit('error', Object.assign(new Error(), toStatus(cause, log)))
    }
  }
}
