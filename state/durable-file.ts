import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** Flushes a file, or the names in a directory, to the disk. Throws the system's error. */
export function syncToDisk(path: string): void {
  const descriptor = openSync(path, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/**
 * Replaces a file whole: whoever reads it, after whatever end of this process or of the machine, finds all of the old
 * text or all of the new. Resolved on the disk when it returns. One writer at a time. Throws the system's error.
 */
export function writeDurably(path: string, text: string, mode = 0o600): void {
  const temporary = `${path}.new`
  rmSync(temporary, { force: true }) // of a process that was killed, or a link that somebody put there
  writeFileSync(temporary, text, { mode, flag: 'wx' })
  syncToDisk(temporary)
  renameSync(temporary, path)
  syncToDisk(dirname(path)) // the name is on the disk, too
}
