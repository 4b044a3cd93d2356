import { existsSync, rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import { dirname } from 'node:path'
import type { SecureContextOptions } from 'node:tls'
import { Server, ServerCredentials, type ServiceDefinition, type UntypedServiceImplementation } from '@grpc/grpc-js'
import { HealthImplementation } from 'grpc-health-check'
import type { Logger } from 'pino'
import { type AdmissionNeeds, admission } from './admission.ts'
import { type CallLimits, createCallLimiter } from './call-limiter.ts'
import { tellApart } from './door.ts'
import { RigError, systemFailure } from './failure.ts'
import { type Home, makePrivateDirectory } from './home.ts'
import {
  addressOf,
  type Listener,
  type ListenerNeeds,
  listenOnSocket,
  listenOnTcp,
  listenOnTls,
  type TlsListener,
} from './listener.ts'
import { lockFile } from './lock.ts'
import { logService } from './log-service.ts'
import { createMetrics, type ServiceMetrics } from './metrics.ts'
import { type Peer, peerOfCertificate, type Role } from './peer.ts'
import { addReflection } from './reflection.ts'
import { createScrapeServer, type Pages } from './scrape.ts'

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
  /** What the rig shows to those from elsewhere, and whom it believes, from the next connection on. */
  setCredentials(credentials: SecureContextOptions): void
  /** Ends the connections of those whose certificate is not good any more. */
  reviewPeers(): void
  /** Takes no new calls, ends open streams after `closeGraceMs`, and frees the addresses. May be called twice. */
  close(): Promise<void>
}

export interface ServeOptions {
  /** Names the socket: `host`, `trust`, `wasm-runner`, `dsp-helper`. */
  readonly service: string
  readonly home: Home
  /** `host:port` of the loopback to listen on beside the Unix socket, for every program of this machine. */
  readonly listen?: { readonly address: string; readonly role: Role }
  /** `host:port` to listen on for those with a certificate. */
  readonly remote?: RemoteAccess
  /** What one peer may do; absent: whatever it likes. */
  readonly limits?: CallLimits
  readonly definitions: readonly ServiceBinding[]
  /** Names that health checks may ask for beside those of the definitions: not serving until setHealth(). */
  readonly others?: readonly string[]
  /** What is told of the service at /metrics; absent: its own. */
  readonly metrics?: ServiceMetrics
  /** Pages beside /metrics. */
  readonly pages?: Pages
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

/** Listens on `host:port`. Throws PERMISSION_DENIED or ADDRESS_IN_USE; `key`: of config.yaml, where another one is set. */
async function onPort<T>(address: string, key: string, listen: () => Promise<T>): Promise<T> {
  try {
    return await listen()
  } catch (cause) {
    const { message, code } = cause as NodeJS.ErrnoException
    const other = `set \`${key}:\` in config.yaml to another port`
    throw code === 'EACCES'
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

export interface RemoteAccess {
  readonly address: string
  /** What the rig shows, and whom it believes. */
  readonly credentials: SecureContextOptions
  /** Whether a certificate of the CA is good still. */
  readonly isGood: (serialNumber: string) => boolean
}

/** Connections that each way in takes at once: of programs of this machine, and from elsewhere. */
const connectionsMax = 512

type IncomingCall = Parameters<AdmissionNeeds['identify']>[0]
/** Who a call is of that came in by one way. */
type Identify = (call: IncomingCall) => Peer

/** A caller on the Unix socket is this user, or root: the kernel says so. */
const byUser: Identify = (call) => ({ name: call.getPeer().replace(/\/.*$/, ''), role: 'admin' })

/** Of a caller without a certificate nobody knows more than where it is. */
const byAddress =
  (role: Role): Identify =>
  (call) => ({ name: call.getPeer().replace(/:\d+$/, ''), role })

const byCertificate: Identify = (call) => {
  const { sslPeerCertificate } = call.getAuthContext()
  if (sslPeerCertificate !== undefined) return peerOfCertificate(sslPeerCertificate)
  const remedy = 'connect with one that `wheelctl pki issue` made'
  throw new RigError('PERMISSION_DENIED', `the connection has no certificate; ${remedy}`)
}

/** The ways into a server, and who came in by which. */
function waysIn() {
  const listeners: Listener[] = []
  const comers = new Map<string, Identify>()
  return {
    identify(call: IncomingCall): Peer {
      const identify = comers.get(call.getPeer())
      if (identify === undefined)
        throw new RigError('PERMISSION_DENIED', 'nobody knows whose connection this is; connect again')
      return identify(call)
    },
    drop(address: string): void {
      for (const listener of listeners) listener.drop(address)
    },
    /** `listen` is given what it needs. `enter`: a connection is ready to carry calls. `left`: it is gone. */
    async open<T extends Listener>(
      identify: Identify,
      { enter, left }: { enter(socket: Socket): void; left(address: string): void },
      listen: (needs: ListenerNeeds) => Promise<T>,
    ): Promise<T> {
      const listener = await listen({
        connectionsMax,
        accept(socket, address) {
          comers.set(address, identify)
          enter(socket)
        },
        gone(address) {
          comers.delete(address)
          left(address)
        },
      })
      listeners.push(listener)
      return listener
    },
    addresses: (): readonly string[] => listeners.map(({ address }) => address),
    close(): void {
      for (const listener of listeners) listener.close()
    },
    end(): void {
      for (const listener of listeners) listener.end()
    },
  }
}

/** Starts a gRPC server with health and reflection; resolves when it listens and says SERVING. */
export async function serve(options: ServeOptions): Promise<RunningServer> {
  const { listen, remote, log } = options
  const names = options.definitions.map(serviceName)
  const { socket: path } = options.claim ?? claimService(options.home, options.service)
  const ways = waysIn()
  const limiter = options.limits && createCallLimiter(options.limits)
  const metrics = options.metrics ?? createMetrics(options.service)
  const admit = admission({ identify: ways.identify, drop: ways.drop, metrics, log, ...(limiter && { limiter }) })
  const server = new Server({ 'grpc.max_receive_message_length': requestBytesMax, interceptors: [admit] })
  for (const { definition, implementation } of options.definitions) server.addService(definition, implementation)
  const { health, set, setOne } = healthFor(names, options.others ?? [])
  const logging = logService(log)
  server.addService(logging.definition, logging.implementation)
  health.addToServer(server)
  addReflection(server, names)

  const injector = server.createConnectionInjector(ServerCredentials.createInsecure())
  const scrapes = createScrapeServer(
    (path) => (path === '/metrics' ? metrics.text() : options.pages?.(path)),
    (socket) => {
      const address = addressOf(socket)
      const admission = limiter?.begin(address, performance.now()) ?? 'admitted'
      if (admission === 'admitted') limiter?.end(address)
      return admission === 'admitted'
    },
    log,
  )
  const connections = {
    enter: (socket: Socket): void =>
      tellApart(socket, {
        http2: (it) => injector.injectConnection(it),
        http1: (it) => void scrapes.emit('connection', it),
      }),
    left: (address: string): void => limiter?.forget(address),
  }
  let tls: TlsListener | undefined
  try {
    await ways.open(byUser, connections, (needs) => listenOnSocket(path, needs))
    if (listen !== undefined) {
      const { address, role } = listen
      await onPort(address, 'listen', () =>
        ways.open(byAddress(role), connections, (needs) => listenOnTcp(address, needs)),
      )
    }
    if (remote !== undefined) {
      const { address, ...who } = remote
      tls = await onPort(address, 'remote.listen', () =>
        ways.open(byCertificate, connections, (needs) => listenOnTls(address, { ...needs, ...who })),
      )
    }
  } catch (cause) {
    ways.close()
    server.forceShutdown()
    throw cause
  }
  const addresses = ways.addresses()
  set(true)
  log.info({ addresses }, 'serving')

  let closing: Promise<void> | undefined
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      set(false)
      const late = setTimeout(() => {
        server.forceShutdown()
        ways.end() // connections that were handed over are ours to end
      }, options.closeGraceMs ?? 500)
      ways.close()
      scrapes.closeAllConnections()
      server.tryShutdown(() => {
        clearTimeout(late)
        ways.end()
        rmSync(path, { force: true })
        resolve()
      })
    })
  return {
    addresses,
    setServing: set,
    setHealth: setOne,
    setCredentials(credentials) {
      tls?.setCredentials(credentials)
    },
    reviewPeers: () => tls?.review(),
    close: () => (closing ??= close()),
  }
}
