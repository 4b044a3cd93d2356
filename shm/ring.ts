import { addon } from '../native/addon.ts'
import { openShared } from './shared-file.ts'

/** The writing side of a single-producer single-consumer ring. Never blocks. */
export interface RingWriter {
  /** Copies in as many of the slots in `slots` (a whole number of them) as there is room for; returns how many. */
  push(slots: Uint8Array): number
  /** Unmaps. May be called twice. */
  close(): void
}

/** The reading side. Never blocks. */
export interface RingReader {
  /** Copies out as many slots as there are and as `slots` holds; returns how many. */
  pop(slots: Uint8Array): number
  /** Unmaps. May be called twice. */
  close(): void
}

/**
 * Opens the writing side of a ring, or creates the ring. `slotBytes`: a multiple of 8 from 8 to 65536; `slotCount`: a
 * power of two from 2 to 2^20. A ring has one writer: RING_IN_USE while another process, or another handle of this one,
 * is it. A writer that replaces one that died goes on where it stopped. Throws TypeError for wrong arguments,
 * SHARED_MEMORY_INVALID for another geometry or version, PERMISSION_DENIED for the file of another user. push throws an
 * Error with code RING_CORRUPT when the reader wrote an impossible counter, and from the first push on that finds the file
 * cut.
 */
export function openRingWriter(path: string, slotBytes: number, slotCount: number): RingWriter {
  const handle = openShared(path, () => addon.ringOpen(path, true, slotBytes, slotCount))
  return {
    push: (slots) => addon.ringPush(handle, slots),
    close: () => addon.ringClose(handle),
  }
}

/**
 * As openRingWriter, the other side. Nobody guards it: a ring has one reader, and it is the caller's to see to that. What
 * pop left in `slots` when it threw is to be thrown away.
 */
export function openRingReader(path: string, slotBytes: number, slotCount: number): RingReader {
  const handle = openShared(path, () => addon.ringOpen(path, false, slotBytes, slotCount))
  return {
    pop: (slots) => addon.ringPop(handle, slots),
    close: () => addon.ringClose(handle),
  }
}
