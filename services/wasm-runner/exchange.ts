import { RigError } from '../../rpc/failure.ts'
import type { GuestSide } from './guest.ts'

const pageBytes = 65_536

/**
 * Pages that are left between what a guest has and what the host uses. An allocator may take all memory up to its end for
 * its own when it first allocates, and so what the host put there: the one of wasi-libc did until 2022, that of
 * AssemblyScript's stub does. They begin at the bottom: here is 4 MiB for them.
 */
const gapPages = 64

/** Memory of a guest that only the host uses, for a guest that has no allocator for it. */
export interface Exchange {
  /** Where there are so many bytes, zeroed. They are the guest's to scribble on. Throws REQUEST_INVALID where there is no room. */
  take(bytes: number): number
}

function noRoom(memory: WebAssembly.Memory, wanted: number): RigError {
  return new RigError(
    'REQUEST_INVALID',
    `input, parameters and output are ${wanted} bytes, and the plugin's memory, ${memory.buffer.byteLength} bytes now, ` +
      'may not grow by as much; send less, or ask for a smaller output',
  )
}

/** Returns where the new pages begin; undefined where the memory may not grow by as many. */
function grow(memory: WebAssembly.Memory, pages: number): number | undefined {
  try {
    return memory.grow(pages) * pageBytes
  } catch (cause) {
    if (cause instanceof RangeError) return undefined
    throw cause
  }
}

export function openExchange({ memory: memoryOf }: Pick<GuestSide, 'memory'>): Exchange {
  let from = 0
  let bytes = 0

  /** Behind everything, and behind the gap where there is room for one. */
  function move(memory: WebAssembly.Memory, pages: number): boolean {
    const behindGap = grow(memory, gapPages + pages)
    const end = behindGap === undefined ? grow(memory, pages) : behindGap + gapPages * pageBytes
    if (end === undefined) return false
    from = end
    bytes = pages * pageBytes
    return true
  }

  function extend(memory: WebAssembly.Memory, wanted: number): boolean {
    const more = Math.ceil((wanted - bytes) / pageBytes)
    // Where the guest grew its memory, what is behind is its own.
    const isLast = bytes > 0 && from + bytes === memory.buffer.byteLength
    if (!isLast) return move(memory, Math.ceil(wanted / pageBytes))
    if (grow(memory, more) === undefined) return false
    bytes += more * pageBytes
    return true
  }

  return {
    take(wanted) {
      const memory = memoryOf()
      if (wanted > bytes && !extend(memory, wanted)) throw noRoom(memory, wanted)
      new Uint8Array(memory.buffer, from, wanted).fill(0)
      return from
    },
  }
}
