import { accessSync, constants } from 'node:fs'
import type { Client } from '@grpc/grpc-js'
import type { Command } from 'commander'
import { type ClientConstructor, type ClientCredentials, connect } from '../rpc/client.ts'
import { RigError, systemFailure } from '../rpc/failure.ts'
import { findHome } from '../rpc/home.ts'
import { fromStatus } from '../rpc/status.ts'
import { contextNamed, contextsFile, readContexts } from './context.ts'
import { readNamedText } from './key-file.ts'

/** How long a command waits for an answer, ms. */
export const answerMs = 5000

/** Where a rig is, and what is shown to it. */
export interface Target {
  readonly endpoint: string
  readonly shown: ClientCredentials | undefined
}

/** Which rig the command line names, in front of the command or behind it. */
interface Named {
  readonly endpoint?: string
  readonly context?: string
}

const pemMaxBytes = 64 * 1024

/** Files of PEM. */
type Shown = { readonly [File in keyof ClientCredentials]?: string | undefined }

function readShown({ ca, cert, key }: Shown): ClientCredentials | undefined {
  if (ca === undefined && cert === undefined && key === undefined) return undefined
  if (ca === undefined || cert === undefined || key === undefined) {
    throw new RigError('REQUEST_INVALID', '--ca, --cert and --key belong together; give all three, or none')
  }
  const read = (file: string): string => readNamedText(file, pemMaxBytes)
  return { ca: read(ca), cert: read(cert), key: read(key) }
}

const rootOf = (command: Command): Command => (command.parent === null ? command : rootOf(command.parent))

/** What the command line names, else the current context, else the rig of this home. */
export function targetOf(command: Command): Target {
  const { endpoint, context: named } = command.optsWithGlobals<Named>()
  const options = rootOf(command).opts<Shown>() // behind a command --key is another one
  if (endpoint !== undefined && named !== undefined) {
    throw new RigError('REQUEST_INVALID', '--endpoint and --context both name a rig; give one of them')
  }
  if (endpoint !== undefined) return { endpoint, shown: readShown(options) }
  const contexts = readContexts(contextsFile(process.env))
  const name = named ?? contexts.current
  if (name === undefined) return { endpoint: `unix:${findHome(process.env).socket('host')}`, shown: readShown(options) }
  const context = contextNamed(contexts, name)
  return { endpoint: context.endpoint, shown: readShown(context) }
}

function open<C extends Client>(kind: ClientConstructor<C>, { endpoint, shown }: Target): C {
  try {
    return connect(kind, endpoint, shown)
  } catch (cause) {
    const why = (cause as Error).message
    const what =
      shown === undefined
        ? `--endpoint ${JSON.stringify(endpoint)} is not an address (${why}); give unix:/path or host:port`
        : `the address ${JSON.stringify(endpoint)}, or one of the certificates, is none (${why}); give host:port, and PEM files`
    throw new RigError('REQUEST_INVALID', what, { cause })
  }
}

/** Whether it is the host that does not answer, and not one of its services, of which it says so itself. */
const isUnanswered = (cause: unknown): cause is RigError =>
  cause instanceof RigError && cause.code === 'SERVICE_UNAVAILABLE' && fromStatus(cause.cause) === undefined

/** Why nobody answers at `endpoint`: gRPC does not tell a socket that is forbidden from one that is not there. */
function unanswered({ endpoint, shown }: Target, cause: RigError): RigError {
  const path = /^unix:(?:\/\/)?(.+)/.exec(endpoint)?.[1]
  try {
    if (path !== undefined) accessSync(path, constants.W_OK)
  } catch (refusal) {
    if (systemFailure(refusal, 'SERVICE_UNAVAILABLE') === 'PERMISSION_DENIED') {
      const what = `the socket ${path} is not for this user (${(refusal as Error).message})`
      return new RigError('PERMISSION_DENIED', `${what}; run wheelctl as the user who runs the rig`, { cause })
    }
  }
  if (shown !== undefined) {
    const what = `no rig at ${endpoint} answers to this certificate (${(cause.cause as Error | undefined)?.message ?? ''})`
    const remedy = 'see that it is good still (`wheelctl pki list` there), and that --ca is of that rig'
    return new RigError('SERVICE_UNAVAILABLE', `${what}; ${remedy}`, { cause })
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
  const target = targetOf(command)
  const client = open(kind, target)
  try {
    return await use(client)
  } catch (cause) {
    throw isUnanswered(cause) ? unanswered(target, cause) : cause
  } finally {
    client.close()
  }
}
