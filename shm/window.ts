import { addon } from '../native/addon.ts'
import { openShared } from './shared-file.ts'

/** A read-only view of a shared memory file that another process writes. */
export interface Window {
  /**
   * Copies `target.length` bytes from `offset`; both multiples of 8. Each 8-byte word is read whole. What somebody cut off
   * the file after it was opened is zeros.
   */
  copy(offset: number, target: Uint8Array): void
  /** Unmaps. May be called twice. */
  close(): void
}

/** Opens a file of exactly `bytes` bytes. */
export function openWindow(path: string, bytes: number): Window {
  const handle = openShared(path, () => addon.windowOpen(path, bytes))
  return {
    copy: (offset, target) => addon.windowCopy(handle, offset, target),
    close: () => addon.windowClose(handle),
  }
}
