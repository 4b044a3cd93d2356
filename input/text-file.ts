import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { type FailureCode, RigError, systemFailure } from '../rpc/failure.ts'

/** O_NONBLOCK: a FIFO in the place of a file must not stop the service that opens it. */
const openFlags = constants.O_RDONLY | constants.O_NONBLOCK

function isMissing(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && (cause.code === 'ENOENT' || cause.code === 'ENOTDIR')
}

/** Reads at most `maxBytes` + 1 bytes, so that a file that grows meanwhile is still found too large. */
function readBounded(descriptor: number, maxBytes: number): Buffer {
  const bytes = Buffer.alloc(Math.min(fstatSync(descriptor).size, maxBytes) + 1)
  let filled = 0
  while (filled < bytes.length) {
    const read = readSync(descriptor, bytes, filled, bytes.length - filled, null)
    if (read === 0) break
    filled += read
  }
  return bytes.subarray(0, filled)
}

/**
 * The text of a file, or null when there is none. Throws RigError: FILE_MISSING when it cannot be read, `code` when it
 * is not a regular file of at most `maxBytes` bytes of UTF-8. Blocks on the disk.
 */
export function readTextFile(file: string, maxBytes: number, code: FailureCode): string | null {
  let descriptor: number
  try {
    descriptor = openSync(file, openFlags)
  } catch (cause) {
    if (isMissing(cause)) return null
    throw new RigError(systemFailure(cause, 'FILE_MISSING'), `${file} cannot be read: ${(cause as Error).message}`, {
      cause,
    })
  }
  try {
    if (!fstatSync(descriptor).isFile()) throw new RigError(code, `${file} is not a regular file`)
    const bytes = readBounded(descriptor, maxBytes)
    if (bytes.length > maxBytes)
      throw new RigError(code, `${file} has more than ${maxBytes} bytes, the most that is read`)
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    if (cause instanceof TypeError) throw new RigError(code, `${file} is not UTF-8 text; save it as UTF-8`, { cause })
    throw cause
  } finally {
    closeSync(descriptor)
  }
}
