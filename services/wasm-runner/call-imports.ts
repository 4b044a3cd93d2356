import type { GuestSide } from './guest.ts'
import { type GuestLog, writeGuestLine } from './guest-log.ts'
import { createMemoryImports } from './memory-imports.ts'

/** What a line costs, in units of one instruction: what the logging functions of plugins that tick cost (host-imports.ts). */
const lineUnits = 15_000

/** Module `env` of a plugin that is called. A line that is not inside its memory is not written. */
export function createCallImports(guest: GuestSide, log: GuestLog): WebAssembly.ModuleImports {
  return {
    ...createMemoryImports(guest),
    host_log(pointer: number, length: number) {
      const { buffer } = guest.memory()
      const [start, bytes] = [pointer >>> 0, length >>> 0]
      if (!guest.pay(lineUnits) || start + bytes > buffer.byteLength) return
      writeGuestLine(log, 'info', new Uint8Array(buffer, start, bytes))
    },
  }
}
