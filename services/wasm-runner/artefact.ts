import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { RigError } from '../../rpc/failure.ts'
import { moduleBytesMax } from './compile.ts'

async function openFile(path: string): Promise<FileHandle> {
  try {
    // Without waiting: what is no file may be a pipe that nobody writes to.
    return await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (cause) {
    throw new RigError(
      'FILE_MISSING',
      `${path} cannot be read (${(cause as Error).message}); install the plugin again`,
      {
        cause,
      },
    )
  }
}

async function readBounded(file: FileHandle, path: string): Promise<Uint8Array<ArrayBuffer>> {
  const stat = await file.stat()
  if (!stat.isFile()) throw new RigError('FILE_MISSING', `${path} is not a file; send the path of the module`)
  if (stat.size > moduleBytesMax) {
    throw new RigError(
      'PLUGIN_INVALID',
      `${path} has ${stat.size} bytes, more than the ${moduleBytesMax} that a module may have; build it for size`,
    )
  }
  const bytes = new Uint8Array(stat.size)
  let length = 0
  while (length < bytes.length) {
    const { bytesRead } = await file.read(bytes, length, bytes.length - length)
    if (bytesRead === 0) break
    length += bytesRead
  }
  return bytes.subarray(0, length)
}

/** Reads a module and checks that its bytes are the ones that were verified: other bytes are PLUGIN_UNTRUSTED. */
export async function readArtefact(path: string, sha256: string): Promise<Uint8Array<ArrayBuffer>> {
  await using file = await openFile(path)
  const bytes = await readBounded(file, path)
  const found = createHash('sha256').update(bytes).digest('hex')
  if (found === sha256) return bytes
  throw new RigError(
    'PLUGIN_UNTRUSTED',
    `${path} has the SHA-256 ${found}, and ${sha256} was verified; verify and load it again`,
  )
}
