import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { archiveBytesMax, inMiB } from './archive-bounds.ts'
import { archiveInvalid } from './archive-path.ts'

/** An archive that has arrived whole. */
export interface Received {
  readonly bytes: number
  /** Hex, lower case. */
  readonly sha256: string
}

/**
 * Writes an archive into a new file as it comes. Yields after each piece how many bytes there are by now. `expectedBytes`:
 * what its sender said, 0 for nothing. Throws ARCHIVE_INVALID when it is too large, or another size than its sender said.
 */
export async function* receive(
  pieces: AsyncIterable<Uint8Array>,
  expectedBytes: number,
  path: string,
): AsyncGenerator<number, Received, undefined> {
  const tooLarge = (bytes: string) =>
    archiveInvalid(`the archive has ${bytes}, and the most is ${inMiB(archiveBytesMax)}`)
  if (expectedBytes > archiveBytesMax) throw tooLarge(`${expectedBytes} bytes`)
  await using file = await open(path, 'wx', 0o600)
  const hash = createHash('sha256')
  let bytes = 0
  for await (const piece of pieces) {
    bytes += piece.length
    if (bytes > archiveBytesMax) throw tooLarge(`more than ${archiveBytesMax} bytes`)
    hash.update(piece)
    await file.writeFile(piece)
    yield bytes
  }
  if (expectedBytes !== 0 && bytes !== expectedBytes) {
    throw archiveInvalid(`the archive was to have ${expectedBytes} bytes, and ${bytes} came; send it again`)
  }
  return { bytes, sha256: hash.digest('hex') }
}
