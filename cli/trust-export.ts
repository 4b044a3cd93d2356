import { lstatSync, realpathSync, type Stats, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { RigError, systemFailure } from '../rpc/failure.ts'
import { writeDurably } from '../state/durable-file.ts'
import { writeOutput } from './call-files.ts'

const statOf = (path: string): Stats | undefined => statSync(path, { throwIfNoEntry: false })
const isLink = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true

/** Where a file is, or would be, without links on the way; a link is followed where it leads to something. */
const realPlace = (path: string): string =>
  statOf(path) === undefined ? join(realpathSync(dirname(resolve(path))), basename(path)) : realpathSync(path)

/** Whether a path is another way to the store: by links of either kind, or to where the store would be. */
function isStore(file: string, store: string): boolean {
  const [there, own] = [statOf(file), statOf(store)]
  if (there !== undefined && own !== undefined) return there.dev === own.dev && there.ino === own.ino
  return statOf(dirname(resolve(store))) !== undefined && realPlace(file) === realPlace(store)
}

/** Whether it can be replaced whole. A device or a fifo stays what it is, and is written into. */
const isReplaceable = (path: string): boolean => statOf(path)?.isFile() ?? !isLink(path)

/**
 * Writes exported keys, a file whole; `-` is stdout. `store`: the rig's own, which has more in it than is exported and is
 * never written here. Throws REQUEST_INVALID for that, FILE_MISSING and PERMISSION_DENIED.
 */
export async function writeExport(file: string, text: string, store: string): Promise<void> {
  try {
    if (file !== '-' && isStore(file, store)) {
      const what = `${file} is the trust store of this rig, and an export would take keys out of it`
      throw new RigError('REQUEST_INVALID', `${what}; name another file`)
    }
    if (file === '-' || !isReplaceable(file)) await writeOutput(file, Buffer.from(text))
    else writeDurably(realPlace(file), text, 0o644)
  } catch (cause) {
    if (cause instanceof RigError) throw cause
    const what = `${file} cannot be written (${(cause as Error).message}); name another file`
    throw new RigError(systemFailure(cause, 'FILE_MISSING'), what, { cause })
  }
}
