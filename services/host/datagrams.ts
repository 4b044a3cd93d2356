import { createSocket, type Socket } from 'node:dgram'
import type { HttpAnswer } from '../../network/answer.ts'
import { type ListedHosts, placeOf } from '../../network/listed-hosts.ts'
import { type Resolve, rememberAddresses } from './network-lookup.ts'
import { reach } from './network-reach.ts'

/** Datagrams that wait for a name; more of them are dropped, as a network drops them. */
const waitingMax = 64

/** Sends what plugins send. Nothing that comes back is read. */
export interface Datagrams {
  /**
   * Resolves with why it was not sent; undefined when it was, or was dropped on the way, which nobody is told of. Where
   * it leads is checked each time.
   */
  send(
    to: string,
    payload: Uint8Array,
    hosts: ListedHosts,
  ): Promise<Exclude<HttpAnswer, { kind: 'response' }> | undefined>
  /** May be called twice. */
  close(): void
}

export function openDatagrams(resolve: Resolve, nowMs: () => number): Datagrams {
  const remembered = rememberAddresses(resolve, nowMs)
  const sockets = new Map<number, Socket>()
  let waiting = 0
  let closed = false

  /** One for each family, from the first datagram on. */
  function socketOf(family: number): Socket {
    const known = sockets.get(family)
    if (known !== undefined) return known
    const socket = createSocket(family === 6 ? 'udp6' : 'udp4')
    socket.on('error', () => {}) // an ICMP message that came back, for one
    socket.unref()
    sockets.set(family, socket)
    return socket
  }

  return {
    async send(to, payload, hosts) {
      const { host = '', port = 0 } = placeOf(to) ?? {}
      if (waiting >= waitingMax) return undefined
      waiting++
      const target = await reach(host, port, hosts.allowsDatagram, remembered).finally(() => waiting--)
      if (target.kind !== 'open') return target
      const [first] = target.addresses
      if (!closed && first !== undefined) socketOf(first.family).send(payload, port, first.address, () => {})
      return undefined
    },
    close() {
      closed = true
      for (const socket of sockets.values()) socket.close()
      sockets.clear()
    },
  }
}
