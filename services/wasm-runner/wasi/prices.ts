import type { WasiFunction } from './signatures.ts'

/**
 * What calls cost, in units of one instruction of the guest's. One of these for each call, for its longest usual time on
 * the development machine, where a µs is some 7000 of them; on top, what depends on a length.
 */
export const prices = {
  /** Reads and writes the guest's memory and our own. */
  memory: 10_000,
  /** Asks the system about something open. */
  system: 100_000,
  /** Moves up to `transferBytesMax` bytes. */
  transfer: 300_000,
  /** Resolves paths. The worst that can be made of links takes ten times as long; then the tick's CPU time says so. */
  path: 300_000,
  /** Each byte that is made a line of: it may be the end of one. */
  outputByte: 500,
  /** Each entry of a listing. */
  entry: 10_000,
  /** Each subscription of a poll. */
  subscription: 30_000,
  /** Each random byte. */
  randomByte: 20,
} as const

const transfers: readonly string[] = ['fd_read', 'fd_pread', 'fd_write', 'fd_pwrite', 'fd_readdir']
const systems: readonly string[] = [
  ...['fd_seek', 'fd_tell', 'fd_sync', 'fd_datasync', 'fd_allocate', 'fd_filestat_get', 'fd_filestat_set_size'],
  ...['fd_filestat_set_times', 'fd_close', 'fd_renumber', 'fd_fdstat_set_flags', 'random_get'],
]

/** What a call of a function costs in any case. */
export function priceOf(name: WasiFunction): number {
  if (name.startsWith('path_')) return prices.path
  if (transfers.includes(name)) return prices.transfer
  return systems.includes(name) ? prices.system : prices.memory
}
