import { existsSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { Server, ServerCredentials, type ServiceDefinition, type UntypedServiceImplementation } from '@grpc/grpc-js'
import { HealthImplementation } from 'grpc-health-check'
import type { Logger } from 'pino'
import { RigError, systemFailure } from './failure.ts'
import { type Home, makePrivateDirectory } from './home.ts'
import { lockFile } from './lock.ts'
import { addReflection } from './reflection.ts'

/**
 * Largest request that a service takes, bytes: a piece of 1 MiB of a plugin's input, or a response of 1 MiB from the
 * network with its headers, 32 KiB in UTF-8, and what is around it.
 */
const requestBytesMax = (1 << 20) + 65_536

/** A service definition with its handlers. Made by bind(), which checks that they belong together. */
export interface ServiceBinding {
  readonly definition: ServiceDefinition
  readonly implementation: UntypedServiceImplementation
}

export const bind = <Implementation extends UntypedServiceImplementation>(
  definition: ServiceDefinition<Implementation>,
  implementation: Implementation,
): ServiceBinding => ({ definition: definition as unknown as ServiceDefinition, implementation })

export interface RunningServer {
  /** Where it listens: `unix:/…` first, then `host:port`. */
  readonly addresses: readonly string[]
  /** What health checks answer from now on. */
  setServing(serving: boolean): void
  /** What a health check for one of `others` answers from now on. */
  setHealth(name: string, serving: boolean): void
  /** Takes no new calls, ends open streams after `closeGraceMs`, and frees the addresses. May be called twice. */
  close(): Promise<void>
}

export interface ServeOptions {
  /** Names the socket: `host`, `trust`, `wasm-runner`, `dsp-helper`. */
  readonly service: string
  readonly home: Home
  /** `host:port` to listen on beside the Unix socket. */
  readonly listen?: string
  readonly definitions: readonly ServiceBinding[]
  /** Names that health checks may ask for beside those of the definitions: not serving until setHealth(). */
  readonly others?: readonly string[]
  readonly log: Logger
  /** From claimService(), where the name was claimed earlier. */
  readonly claim?: Claim
  /** How long close() waits for calls that are under way, ms. */
  readonly closeGraceMs?: number
}

/** Every service answers health checks for itself as a whole (`''`), for each of its services by name, and for `others`. */
function healthFor(names: readonly string[], others: readonly string[]) {
  const health = new HealthImplementation()
  const setOne = (name: string, serving: boolean): void => health.setStatus(name, serving ? 'SERVING' : 'NOT_SERVING')
  const set = (serving: boolean): void => {
    for (const name of ['', ...names]) setOne(name, serving)
  }
  set(false)
  for (const name of others) setOne(name, false)
  return { health, set, setOne }
}

const serviceName = (binding: ServiceBinding): string => {
  const path = Object.values(binding.definition)[0]?.path ?? ''
  return path.slice(1, path.indexOf('/', 1))
}

function listenOn(server: Server, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    )
  })
}

/** Listens on `host:port` and returns the address that it got: port 0 asks for any that is free. */
async function listenOnTcp(server: Server, address: string): Promise<string> {
  try {
    const port = await listenOn(server, address)
    return `${address.slice(0, address.lastIndexOf(':'))}:${port}`
  } catch (cause) {
    // grpc-js keeps the system's error only in its text.
    const { message } = cause as Error
    const other = 'set `listen:` in config.yaml to another port'
    throw message.includes('EACCES')
      ? new RigError('PERMISSION_DENIED', `${address} is a port for root alone (${message}); ${other}`, { cause })
      : new RigError(
          'ADDRESS_IN_USE',
          `${address} cannot be listened on (${message}); end the process that has it, or ${other}`,
          { cause },
        )
  }
}

/** The right to be this service of this rig. Lasts as long as the process. */
export interface Claim {
  readonly socket: string
}

/**
 * Claims to be `service` of this rig: before anything is touched that two of them would fight over. HOME_IN_USE when
 * another process is.
 */
export function claimService(home: Home, service: string): Claim {
  const socket = home.socket(service)
  makePrivateDirectory(home.runtimeDir)
  makePrivateDirectory(dirname(socket)) // which may be one of its own
  if (!takeLock(`${socket}.lock`)) {
    throw new RigError(
      'HOME_IN_USE',
      `a ${service} of the rig in ${home.runtimeDir} runs already; end it first, or set OPENRACING_HOME to another directory`,
    )
  }
  // We hold the lock, so a socket that is there belongs to nobody: its process was killed.
  outOfTheWay(socket, () => rmSync(socket, { force: true }))
  return { socket }
}

/** Removes the socket of a service that was killed, and leaves it where another process is that service. */
export function removeDeadSocket(socket: string): void {
  if (existsSync(socket) && lockFile(`${socket}.lock`)) rmSync(socket, { recursive: true, force: true })
}

const takeLock = (path: string): boolean => outOfTheWay(path, () => lockFile(path))

/** Does `act` on a path of the runtime directory; something else that stands there is told in one sentence. */
function outOfTheWay<T>(path: string, act: () => T): T {
  try {
    return act()
  } catch (cause) {
    const what = `${path} cannot be used (${(cause as Error).message}); remove it, or set OPENRACING_HOME to another directory`
    throw new RigError(systemFailure(cause, 'CONFIG_INVALID'), what, { cause })
  }
}

/** Starts a gRPC server with health and reflection; resolves when it listens and says SERVING. */
export async function serve(options: ServeOptions): Promise<RunningServer> {
  const names = options.definitions.map(serviceName)
  const { socket: path } = options.claim ?? claimService(options.home, options.service)
  const server = new Server({ 'grpc.max_receive_message_length': requestBytesMax })
  for (const { definition, implementation } of options.definitions) server.addService(definition, implementation)
  const { health, set, setOne } = healthFor(names, options.others ?? [])
  health.addToServer(server)
  addReflection(server, names)

  const addresses = [`unix:${path}`]
  await listenOn(server, `unix:${path}`)
  if (options.listen !== undefined) {
    try {
      addresses.push(await listenOnTcp(server, options.listen))
    } catch (cause) {
      server.forceShutdown()
      throw cause
    }
  }
  set(true)
  options.log.info({ addresses }, 'serving')

  let closing: Promise<void> | undefined
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      set(false)
      const late = setTimeout(() => server.forceShutdown(), options.closeGraceMs ?? 500)
      server.tryShutdown(() => {
        clearTimeout(late)
        rmSync(path, { force: true })
        resolve()
      })
    })
  return { addresses, setServing: set, setHealth: setOne, close: () => (closing ??= close()) }
}
