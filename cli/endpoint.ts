import type { Client } from '@grpc/grpc-js'
import type { Command } from 'commander'
import { type ClientConstructor, connect } from '../rpc/client.ts'

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
  } finally {
    client.close()
  }
}
