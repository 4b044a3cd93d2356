import { type Client, credentials, Metadata, makeGenericClientConstructor, type ServiceError } from '@grpc/grpc-js'
import { service as healthDefinition } from 'grpc-health-check'

/** What a service says of itself; `silent` says nothing. */
export type Health = 'serving' | 'not serving' | 'silent'

/** Asks one service how it is. */
export interface HealthProbe {
  /** Waits at most `deadlineMs` for a service that is not there yet, or does not answer. Never throws. */
  check(deadlineMs: number, signal: AbortSignal): Promise<Health>
  close(): void
}

const HealthClient = makeGenericClientConstructor(healthDefinition, 'grpc.health.v1.Health')

interface HealthResponse {
  readonly status: string
}

/** `socket`: path of the service's Unix socket. */
export function openHealthProbe(socket: string): HealthProbe {
  const client: Client = new HealthClient(`unix:${socket}`, credentials.createInsecure(), {
    // The service is about to listen, and the rig waits for it: looking again costs less than a millisecond.
    'grpc.initial_reconnect_backoff_ms': 20,
    'grpc.max_reconnect_backoff_ms': 50,
    // A socket that was refused to another client a moment ago would be held against this one.
    'grpc.use_local_subchannel_pool': 1,
  })
  const { path, requestSerialize, responseDeserialize } = healthDefinition.Check as (typeof healthDefinition)[string]
  const waiting = new Metadata({ waitForReady: true })

  function check(deadlineMs: number, signal: AbortSignal): Promise<Health> {
    const { promise, resolve } = Promise.withResolvers<Health>()
    const answered = (error: ServiceError | null, response?: object): void => {
      if (error !== null) resolve('silent')
      else resolve((response as HealthResponse).status === 'SERVING' ? 'serving' : 'not serving')
    }
    const options = { deadline: Date.now() + deadlineMs }
    const call = client.makeUnaryRequest(
      path,
      requestSerialize as (request: object) => Buffer,
      responseDeserialize as (bytes: Buffer) => object,
      { service: '' },
      waiting,
      options,
      answered,
    )
    const cancel = (): void => call.cancel()
    signal.addEventListener('abort', cancel, { once: true })
    if (signal.aborted) cancel()
    return promise.finally(() => signal.removeEventListener('abort', cancel))
  }

  return { check, close: () => client.close() }
}
