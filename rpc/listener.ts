import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type SecureContextOptions, type TLSSocket } from 'node:tls'
import { addon } from '../native/addon.ts'
import { userAddress } from './peer.ts'

/** Somewhere that programs connect to. */
export interface Listener {
  /** `unix:/…` or `host:port`. */
  readonly address: string
  /** Ends the connection whose other end has this address. */
  drop(address: string): void
  /** Takes no more connections; those that there are stay. */
  close(): void
  /** Ends those that there are. */
  end(): void
}

export interface ListenerNeeds {
  /** Connections that there may be at once. */
  readonly connectionsMax: number
  /** A connection is ready to carry calls. */
  readonly accept: (socket: Socket, address: string) => void
  /** A connection is gone. `address`: as drop(). */
  readonly gone: (address: string) => void
}

/** The other end of a connection, as grpc-js tells it. */
export const addressOf = ({ remoteAddress, remotePort }: Socket): string =>
  remotePort === undefined ? `${remoteAddress}` : `${remoteAddress}:${remotePort}`

/** Takes in what a server accepts. Errors of a connection are its own end, and nobody's failure. */
function takeIn({ accept, gone }: ListenerNeeds) {
  const sockets = new Map<string, Socket>()
  return {
    add(socket: Socket, address = addressOf(socket)): void {
      sockets.set(address, socket)
      socket.once('close', () => {
        sockets.delete(address)
        gone(address)
      })
      socket.on('error', () => {})
      socket.setNoDelay(true)
      accept(socket, address)
    },
    drop: (address: string): void => void sockets.get(address)?.destroy(),
    all: (): Iterable<Socket> => sockets.values(),
    end(): void {
      for (const socket of sockets.values()) socket.destroy()
    },
  }
}

function listening(
  server: Server,
  where: { readonly path: string } | { readonly host: string; readonly port: number },
) {
  return new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(where, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/** The user at the other end of a Unix socket, as the kernel has it; undefined when it is gone already. */
function userOf(socket: Socket): number | undefined {
  const { _handle } = socket as Socket & { readonly _handle?: { readonly fd: number } }
  try {
    return _handle === undefined ? undefined : addon.peerUser(_handle.fd)
  } catch {
    return undefined
  }
}

/** Listens on a Unix socket, for this user and root. Whose a connection is its address says. */
export async function listenOnSocket(path: string, needs: ListenerNeeds): Promise<Listener> {
  const { add, drop, end } = takeIn(needs)
  const own = process.getuid?.()
  let connections = 0
  const server = createServer((socket) => {
    const uid = userOf(socket)
    if (uid === undefined || (uid !== own && uid !== 0)) return void socket.destroy()
    connections += 1
    // A peer on a Unix socket has no address: grpc-js is told this one, which tells the user's connections apart.
    const address = `${userAddress(uid)}/${connections}`
    Object.defineProperty(socket, 'remoteAddress', { value: address })
    add(socket, address)
  })
  server.maxConnections = needs.connectionsMax
  await listening(server, { path })
  return { address: `unix:${path}`, drop, end, close: () => void server.close() }
}

const partsOf = (address: string): { readonly host: string; readonly port: number } => {
  const colon = address.lastIndexOf(':')
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(address.slice(colon + 1)) }
}

/** The address that a server got: port 0 asks for any that is free. */
function gotten(server: Server, asked: string): string {
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return `${asked.slice(0, asked.lastIndexOf(':'))}:${port}`
}

/** Listens on `host:port` without any protection: for the loopback alone. */
export async function listenOnTcp(address: string, needs: ListenerNeeds): Promise<Listener> {
  const { add, drop, end } = takeIn(needs)
  const server = createServer((socket) => add(socket))
  server.maxConnections = needs.connectionsMax
  await listening(server, partsOf(address))
  return { address: gotten(server, address), drop, end, close: () => void server.close() }
}

/** How long a client may take for its part of the handshake, ms. */
const handshakeMs = 5000

export interface TlsListener extends Listener {
  /** New connections are made with these from now on. */
  setCredentials(credentials: SecureContextOptions): void
  /** Ends the connections whose certificate is not accepted any more. */
  review(): void
}

export interface TlsNeeds extends ListenerNeeds {
  readonly credentials: SecureContextOptions
  /** Whether a certificate that the CA issued is good still. */
  readonly isGood: (serialNumber: string) => boolean
}

/** Listens on `host:port` with TLS 1.3, for those with a certificate of the rig's CA. */
export async function listenOnTls(address: string, needs: TlsNeeds): Promise<TlsListener> {
  const { add, drop, all, end } = takeIn(needs)
  const isGood = (socket: TLSSocket): boolean => needs.isGood(socket.getPeerCertificate().serialNumber)
  const server = createTlsServer(
    {
      ...needs.credentials,
      ...{ minVersion: 'TLSv1.3', requestCert: true, rejectUnauthorized: true, ALPNProtocols: ['h2', 'http/1.1'] },
      handshakeTimeout: handshakeMs,
    },
    (socket) => {
      if (isGood(socket)) add(socket)
      else socket.destroy()
    },
  )
  server.maxConnections = needs.connectionsMax
  server.on('tlsClientError', () => {}) // who it was nobody knows, and everybody can knock
  await listening(server, partsOf(address))
  return {
    address: gotten(server, address),
    drop,
    end,
    setCredentials: (credentials) => server.setSecureContext(credentials),
    review() {
      for (const socket of all()) if (!isGood(socket as TLSSocket)) socket.destroy()
    },
    close: () => void server.close(),
  }
}
