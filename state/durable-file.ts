import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

function sync(path: string): void {
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
  writeFileSync(temporary, text, { mode })
  sync(temporary)
  renameSync(temporary, path)
  sync(dirname(path)) // the name is on the disk, too
}
