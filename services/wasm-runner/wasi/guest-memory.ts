import { isUtf8 } from 'node:buffer'
import { refuse } from './errno.ts'

/**
 * Longest path, bytes. The system takes 4096; a path of links and as many `a/../` as fit takes longer to resolve the longer
 * it is, forty times over (the system's limit for links), and all plugins of a thread wait for it.
 */
export const pathBytesMax = 1024

/** Vectors of one read or write that are used. There may be more: the answer then says that less was read or written. */
const vectorsMax = 64
const vectorBytes = 8

/**
 * A guest's memory as its calls see it. Pointers, lengths and counts come as i32 and are unsigned. Everything throws FAULT
 * for what is not wholly inside; what is returned is valid until the guest runs again.
 */
export interface GuestMemory {
  bytes(pointer: number, length: number): Uint8Array<ArrayBuffer>
  view(pointer: number, length: number): DataView<ArrayBuffer>
  /** A path: 1 to `pathBytesMax` bytes of UTF-8 without NUL. */
  path(pointer: number, length: number): Uint8Array
  /** What a list of (pointer, length) describes, each wholly inside; together at most `bytesMax` from the beginning. */
  vectors(pointer: number, count: number, bytesMax: number): readonly Uint8Array<ArrayBuffer>[]
}

/** `memory` may answer undefined while the guest's start function runs, before there is an instance. */
export function openGuestMemory(memory: () => WebAssembly.Memory | undefined): GuestMemory {
  const inside = (pointer: number, length: number): readonly [ArrayBuffer, number, number] => {
    const buffer = memory()?.buffer
    const start = pointer >>> 0
    const bytes = length >>> 0
    if (buffer === undefined || start + bytes > buffer.byteLength) refuse('FAULT')
    return [buffer, start, bytes]
  }
  const bytes = (pointer: number, length: number) => new Uint8Array(...inside(pointer, length))
  const view = (pointer: number, length: number) => new DataView(...inside(pointer, length))

  return {
    bytes,
    view,
    path(pointer, length) {
      const path = bytes(pointer, length)
      if (path.length === 0) refuse('NOENT')
      if (path.length > pathBytesMax) refuse('NAMETOOLONG')
      if (path.includes(0)) refuse('INVAL')
      if (!isUtf8(path)) refuse('ILSEQ')
      return path
    },
    vectors(pointer, count, bytesMax) {
      const number = count >>> 0
      // Not by `inside`: the list's length in bytes may be more than 32 bits hold.
      if (number * vectorBytes > 0xffff_ffff) refuse('FAULT')
      const list = view(pointer, number * vectorBytes)
      const found: Uint8Array<ArrayBuffer>[] = []
      let left = bytesMax
      for (let at = 0; at < Math.min(number, vectorsMax) * vectorBytes && left > 0; at += vectorBytes) {
        const whole = bytes(list.getUint32(at, true), list.getUint32(at + 4, true))
        const part = whole.subarray(0, left)
        left -= part.length
        found.push(part)
      }
      return found
    },
  }
}
