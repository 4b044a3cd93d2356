import type { NetworkFunction } from './abi.ts'
import type { GuestSide } from './guest.ts'
import { bytesAt } from './guest-bytes.ts'
import type { GuestNetwork } from './guest-network.ts'

/** The functions of module `env` that lead to the network, for plugins of every kind. */
export const createNetworkImports = (
  guest: Pick<GuestSide, 'memory'>,
  network: GuestNetwork,
): Record<NetworkFunction, WebAssembly.ImportFunction> => ({
  http_request: (json: number, length: number) => network.request(bytesAt(guest, json, length)),
  http_status: (handle: number) => network.status(handle),
  http_read: (handle: number, pointer: number, length: number) => network.read(handle, bytesAt(guest, pointer, length)),
  http_header: (handle: number, name: number, nameLength: number, pointer: number, length: number) =>
    network.header(handle, bytesAt(guest, name, nameLength), bytesAt(guest, pointer, length)),
  http_close: (handle: number) => network.close(handle),
  udp_send: (to: number, toLength: number, pointer: number, length: number) =>
    network.send(bytesAt(guest, to, toLength), bytesAt(guest, pointer, length)),
})
