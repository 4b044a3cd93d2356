import { ServerInterceptingCall, type ServerInterceptor, status } from '@grpc/grpc-js'
import type { Logger } from 'pino'
import type { CallLimiter } from './call-limiter.ts'
import { RigError } from './failure.ts'
import { roleOf } from './method-role.ts'
import type { ServiceMetrics } from './metrics.ts'
import { isEnough, markPeer, type Peer } from './peer.ts'
import { toStatus } from './status.ts'

type Call = Parameters<ServerInterceptor>[1]

export interface AdmissionNeeds {
  /** Who calls. Throws PERMISSION_DENIED. */
  readonly identify: (call: Call) => Peer
  /** Absent: nobody is held back. */
  readonly limiter?: CallLimiter
  /** Ends the connection of whoever has this address. */
  readonly drop: (address: string) => void
  readonly metrics: Pick<ServiceMetrics, 'began'>
  readonly log: Logger
}

const methodOf = (path: string): string => path.slice(1)

function needRole(peer: Peer, path: string): void {
  const needed = roleOf(path)
  if (isEnough(peer.role, needed)) return
  throw new RigError(
    'PERMISSION_DENIED',
    `${methodOf(path)} needs the role ${needed}, and ${peer.name} is ${peer.role}; run wheelctl as the rig's user without --endpoint, or with a certificate of that role`,
  )
}

const tooMany: Readonly<Record<string, string>> = {
  'too many a second':
    'calls faster than access.calls_per_second of config.yaml allows; call less often, or watch a stream',
  'too many open': 'has more calls open than access.open_calls of config.yaml allows; end some',
}

/**
 * Lets a call through to its handler, marked with whose it is, where the caller's role is enough and its calls are not too
 * many. The handler has not seen anything of a call that is refused.
 */
export const admission =
  ({ identify, limiter, drop, metrics, log }: AdmissionNeeds): ServerInterceptor =>
  ({ path }, call) => {
    const address = call.getPeer()
    const over = metrics.began(path)
    let isOver = false
    let open = false
    function end(code: status): void {
      if (!isOver) over(code)
      isOver = true
      if (open) limiter?.end(address)
      open = false
    }
    function admit(): Peer {
      const peer = identify(call)
      needRole(peer, path)
      const admission = limiter?.begin(address, performance.now()) ?? 'admitted'
      if (admission === 'admitted') {
        open = limiter !== undefined
        return peer
      }
      if (admission === 'flood') {
        log.warn({ peer: peer.name }, 'a connection is closed: it goes on although its calls are refused')
        drop(address)
      }
      throw new RigError('CALLS_LIMITED', `${peer.name} ${tooMany[admission] ?? 'floods the host; call less often'}`)
    }
    return new ServerInterceptingCall(call, {
      start(next) {
        next({
          onReceiveMetadata(metadata, proceed) {
            try {
              markPeer(metadata, admit())
            } catch (cause) {
              const refusal = toStatus(cause, log)
              end(refusal.code)
              call.sendStatus({ ...refusal })
              return
            }
            proceed(metadata)
          },
          onCancel: () => end(status.CANCELLED),
        })
      },
      sendStatus(sent, next) {
        end(sent.code ?? status.UNKNOWN)
        next(sent)
      },
    })
  }
