import type { handleUnaryCall } from '@grpc/grpc-js'
import type { Logger } from 'pino'
import { asCaller } from './peer.ts'
import { type StatusObject, toStatus } from './status.ts'

/** Adapts a plain async function to grpc-js; cancellation and the caller's deadline arrive as an AbortSignal. */
export function unary<Request, Response>(
  handle: (request: Request, signal: AbortSignal) => Promise<Response> | Response,
  log: Logger,
): handleUnaryCall<Request, Response> {
  return async (call, callback) => {
    const abort = new AbortController()
    call.on('cancelled', () => abort.abort())
    let outcome: { readonly response: Response } | { readonly failure: StatusObject }
    try {
      outcome = { response: await asCaller(call.metadata, () => handle(call.request, abort.signal)) }
    } catch (cause) {
      outcome = { failure: toStatus(cause, log) }
    }
    if ('response' in outcome) callback(null, outcome.response)
    else callback(outcome.failure)
  }
}
