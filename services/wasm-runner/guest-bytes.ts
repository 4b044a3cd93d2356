import type { GuestSide } from './guest.ts'

/** The guest's bytes at `pointer`, or undefined when they are not all inside its memory. Valid until the guest runs again. */
export function bytesAt(guest: Pick<GuestSide, 'memory'>, pointer: number, length: number): Uint8Array | undefined {
  const { buffer } = guest.memory()
  const start = pointer >>> 0
  if (length < 0 || start + length > buffer.byteLength) return undefined
  return new Uint8Array(buffer, start, length)
}
