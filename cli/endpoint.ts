import { accessSync, constants } from 'node:fs'
import type { Client } from '@grpc/grpc-js'
import type { Command } from 'commander'
import { type ClientConstructor, connect } from '../rpc/client.ts'
import { RigError, systemFailure } from '../rpc/failure.ts'
import { findHome } from '../rpc/home.ts'
import { fromStatus } from '../rpc/status.ts'

/** How long a command waits for an answer, ms. */
export const answerMs = 5000

function open<C extends Client>(kind: ClientConstructor<C>, endpoint: string): C {
  try {
    return connect(kind, endpoint)
  } catch (cause) {
    const what = `--endpoint ${JSON.stringify(endpoint)} is not an address (${(cause as Error).message})`
    throw new RigError('REQUEST_INVALID', `${what}; give unix:/path or host:port`, { cause })
  }
}

/** Whether it is the host that does not answer, and not one of its services, of which it says so itself. */
const isUnanswered = (cause: unknown): cause is RigError =>
  cause instanceof RigError && cause.code === 'SERVICE_UNAVAILABLE' && fromStatus(cause.cause) === undefined

/** Why nobody answers at `endpoint`: gRPC does not tell a socket that is forbidden from one that is not there. */
function unanswered(endpoint: string, cause: RigError): RigError {
  const path = /^unix:(?:\/\/)?(.+)/.exec(endpoint)?.[1]
  try {
    if (path !== undefined) accessSync(path, constants.W_OK)
  } catch (refusal) {
    if (systemFailure(refusal, 'SERVICE_UNAVAILABLE') === 'PERMISSION_DENIED') {
      const what = `the socket ${path} is not for this user (${(refusal as Error).message})`
      return new RigError('PERMISSION_DENIED', `${what}; run wheelctl as the user who runs the rig`, { cause })
    }
  }
  const remedy = 'start the rig with `wheelctl up`, or name another with --endpoint'
  return new RigError('SERVICE_UNAVAILABLE', `no host answers at ${endpoint}; ${remedy}`, { cause })
}

/** Runs `use` with a client for the host that the command line names, else that of this home, and closes it. */
export async function withClient<C extends Client, T>(
  command: Command,
  kind: ClientConstructor<C>,
  use: (client: C) => Promise<T>,
): Promise<T> {
  const options = command.optsWithGlobals<{ endpoint?: string }>()
  const endpoint = options.endpoint ?? `unix:${findHome(process.env).socket('host')}`
  const client = open(kind, endpoint)
  try {
    return await use(client)
  } catch (cause) {
    throw isUnanswered(cause) ? unanswered(endpoint, cause) : cause
  } finally {
    client.close()
  }
}
