import { addon } from '../native/addon.ts'
import { openShared } from './shared-file.ts'

/** The newest value of something: one process publishes, any number read, nobody waits. */
export interface Latest {
  /** Publishes a copy; nobody gets it when the file was cut. `value` has exactly the size that the cell was opened with. */
  publish(value: Uint8Array): void
  /**
   * Copies the newest value into `value`; returns its number, counted from 1, or 0 when there is none. There is none any
   * more when somebody cut the file.
   */
  read(value: Uint8Array): bigint
  /** Unmaps. May be called twice. */
  close(): void
}

/** Opens the cell, or creates it. `valueBytes`: a multiple of 8 from 8 to 65536. */
export function openLatest(path: string, valueBytes: number): Latest {
  const handle = openShared(path, () => addon.latestOpen(path, valueBytes))
  return {
    publish: (value) => addon.latestPublish(handle, value),
    read: (value) => addon.latestRead(handle, value),
    close: () => addon.latestClose(handle),
  }
}
