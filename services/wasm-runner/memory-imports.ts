import type { MemoryFunction } from './abi.ts'
import type { GuestSide } from './guest.ts'
import { bytesAt } from './guest-bytes.ts'

/**
 * C's memory functions over a guest's memory, for modules that were linked without them. What leaves the memory traps, as
 * it would in the guest's own code; each byte is paid for with one instruction, as by `memory.copy`, and nothing is done
 * that there is no fuel for.
 */
export function createMemoryImports({
  memory,
  pay,
  end,
}: GuestSide): Record<MemoryFunction, WebAssembly.ImportFunction> {
  /** As WebAssembly's own instructions say it. */
  const outside = (): never => end(new WebAssembly.RuntimeError('memory access out of bounds'))
  const range = (pointer: number, length: number): Uint8Array => bytesAt({ memory }, pointer, length) ?? outside()
  const payFor = (length: number): void => {
    // The guest has no fuel then, and by that faultOf() knows what it was.
    if (!pay(1 + (length >>> 0))) end(new WebAssembly.RuntimeError('unreachable'))
  }

  const move = (to: number, from: number, length: number): number => {
    payFor(length)
    const target = range(to, length)
    target.set(range(from, length)) // as memmove: the two may overlap
    return to
  }
  const compare = (one: number, other: number, length: number): number => {
    payFor(length)
    return Buffer.compare(range(one, length), range(other, length))
  }
  return {
    memcpy: move,
    memmove: move,
    memset(to: number, value: number, length: number) {
      payFor(length)
      range(to, length).fill(value & 0xff)
      return to
    },
    memcmp: compare,
    bcmp: compare,
  }
}
