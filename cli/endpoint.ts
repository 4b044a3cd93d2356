import type { Client } from '@grpc/grpc-js'
import type { Command } from 'commander'
import { type ClientConstructor, connect } from '../rpc/client.ts'
import { RigError } from '../rpc/failure.ts'

/** How long a command waits for an answer, ms. */
export const answerMs = 5000

/** Runs `use` with a client for the host that the command line names, and closes it. */
export async function withClient<C extends Client, T>(
  command: Command,
  kind: ClientConstructor<C>,
  use: (client: C) => Promise<T>,
): Promise<T> {
  const { endpoint } = command.optsWithGlobals<{ endpoint: string }>()
  const client = connect(kind, endpoint)
  try {
    return await use(client)
  } catch (cause) {
    if (!(cause instanceof RigError) || cause.code !== 'SERVICE_UNAVAILABLE') throw cause
    const remedy = 'start the rig with `wheelctl up`, or name another with --endpoint'
    throw new RigError('SERVICE_UNAVAILABLE', `no host answers at ${endpoint}; ${remedy}`, { cause })
  } finally {
    client.close()
  }
}
