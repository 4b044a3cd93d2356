import type { GuestSide } from './guest.ts'
import { bytesAt } from './guest-bytes.ts'
import { type GuestLog, writeGuestLine } from './guest-log.ts'
import type { GuestNetwork } from './guest-network.ts'
import { callUnits, priced } from './host-price.ts'
import { createMemoryImports } from './memory-imports.ts'
import { createNetworkImports } from './network-imports.ts'

/** Module `env` of a plugin that is called. A line that is not inside its memory is not written. */
export function createCallImports(guest: GuestSide, log: GuestLog, network: GuestNetwork): WebAssembly.ModuleImports {
  return {
    ...createMemoryImports(guest),
    ...priced(guest, createNetworkImports(guest, network)),
    host_log(pointer: number, length: number) {
      if (!guest.pay(callUnits)) return
      const line = bytesAt(guest, pointer, length)
      if (line !== undefined) writeGuestLine(log, 'info', line)
    },
  }
}
