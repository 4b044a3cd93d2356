import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { isAbsolute } from 'node:path'
import { RigError } from '../../rpc/failure.ts'

/** Largest artefact, bytes. The largest Fast plugin may use 4 MiB of memory, the largest Safe one 16 MiB. */
export const artefactMaxBytes = 64 * 1024 * 1024

/** The bytes of an artefact, read once; everything that is said later is about them and not about the path. */
export interface Artefact {
  readonly bytes: Uint8Array
  /** Hex, lower case. */
  readonly sha256: string
}

export const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** O_NOFOLLOW: the caller has resolved the links that it allows. O_NONBLOCK: a FIFO must not stop the service. */
const openFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

async function openArtefact(path: string): Promise<FileHandle> {
  try {
    return await open(path, openFlags)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ELOOP') {
      throw new RigError('PLUGIN_INVALID', `the artefact ${path} is a symbolic link; give the path of the file itself`)
    }
    throw new RigError('FILE_MISSING', `the artefact ${path} cannot be read: ${(cause as Error).message}`, { cause })
  }
}

/** Reads one byte more than `size` asks for, so that a file that grows meanwhile is noticed. */
async function readAll(file: FileHandle, size: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(size + 1)
  let filled = 0
  while (filled < buffer.length) {
    const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.subarray(0, filled)
}

/**
 * Reads an artefact. Throws RigError: REQUEST_INVALID for a path that is not absolute, FILE_MISSING for a file that
 * cannot be read, PLUGIN_INVALID for a symbolic link, for what is not a regular file, is empty or larger than 64 MiB, or
 * is being written.
 */
export async function readArtefact(path: string): Promise<Artefact> {
  if (!isAbsolute(path)) throw new RigError('REQUEST_INVALID', `path is "${path}"; give an absolute path`)
  if (path.includes('\0')) throw new RigError('REQUEST_INVALID', 'path has a zero byte; give an absolute path')
  await using file = await openArtefact(path)
  const refuse = (reason: string): RigError => new RigError('PLUGIN_INVALID', `the artefact ${path} ${reason}`)
  const status = await file.stat()
  if (!status.isFile()) throw refuse('is not a regular file')
  if (status.size === 0) throw refuse('is empty; build it again')
  if (status.size > artefactMaxBytes) throw refuse(`has ${status.size} bytes; the most is ${artefactMaxBytes}`)
  const bytes = await readAll(file, status.size)
  if (bytes.length !== status.size) throw refuse('changed while it was read; load it again')
  return { bytes, sha256: sha256Of(bytes) }
}
