import {
  type ChannelCredentials,
  type Client,
  type ClientOptions,
  credentials,
  Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js'
import { RigError } from './failure.ts'
import { rigName } from './peer.ts'
import { fromStatus } from './status.ts'

export type ClientConstructor<C extends Client> = new (
  address: string,
  credentials: ChannelCredentials,
  options?: Partial<ClientOptions>,
) => C

/** What a client shows to a rig that is elsewhere, and whose rig it believes: PEM. */
export interface ClientCredentials {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** A client for a service of this machine, `unix:/…` or `host:port` on loopback, or with `shown` of a rig elsewhere. */
export const connect = <C extends Client>(
  client: ClientConstructor<C>,
  address: string,
  shown?: ClientCredentials,
): C =>
  new client(address, shown === undefined ? credentials.createInsecure() : secure(shown), {
    // Each rig has a CA of its own, which vouches for this name: under which address it is reached does not matter.
    ...(shown && { 'grpc.ssl_target_name_override': rigName }),
    // A service that was restarted is back within 100 ms: look for it as often.
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1000,
  })

const secure = ({ ca, cert, key }: ClientCredentials): ChannelCredentials =>
  credentials.createSsl(Buffer.from(ca), Buffer.from(key), Buffer.from(cert))

export type Callback<Response> = (error: ServiceError | null, response: Response) => void

/**
 * One call as a promise. `start` makes it, given the callback. A failure that the service named comes back as that
 * RigError; a service that does not answer is SERVICE_UNAVAILABLE; anything else is thrown as it is.
 */
export function call<Response>(start: (callback: Callback<Response>) => unknown): Promise<Response> {
  return new Promise((resolve, reject) => {
    start((error, response) => {
      if (error === null) resolve(response)
      else reject(toFailure(error))
    })
  })
}

/** Statuses of a call that nobody answered. CANCELLED: the server ended with the call still open; we cancel none of these. */
const unanswered: ReadonlySet<unknown> = new Set([status.UNAVAILABLE, status.DEADLINE_EXCEEDED, status.CANCELLED])

/** The RigError that an error of a call stands for, or the error as it is. */
export function toFailure(error: Error): Error {
  const named = fromStatus(error)
  if (named !== undefined) return named
  const code = 'code' in error ? error.code : undefined
  if (!unanswered.has(code)) return error
  return new RigError('SERVICE_UNAVAILABLE', `the service does not answer (${error.message}); is the host running?`, {
    cause: error,
  })
}

/** The arguments of a call that is given up after `ms`: `client.getRig({}, ...within(2000), done)`. */
export const within = (ms: number): [Metadata, { readonly deadline: number }] => [
  new Metadata(),
  { deadline: Date.now() + ms },
]
