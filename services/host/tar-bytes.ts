import { archiveInvalid } from './archive-path.ts'

/** Tar is made of blocks of so many bytes. */
export const blockBytes = 512

const cutOff = () => archiveInvalid('the archive is cut off; get it again, or pack it again')

/** A stream of bytes that is read in the pieces that somebody else has cut it into. */
export interface TarBytes {
  /** The next block; undefined at the end. Throws ARCHIVE_INVALID for a part of one. */
  block(): Promise<Buffer | undefined>
  /** The next `bytes` bytes, as they come, to be read to their end. Throws ARCHIVE_INVALID when there are fewer. */
  pieces(bytes: number): AsyncGenerator<Buffer, void, undefined>
  /** The same in one. */
  whole(bytes: number): Promise<Buffer>
}

export function openTarBytes(source: AsyncIterable<Uint8Array>): TarBytes {
  const chunks = source[Symbol.asyncIterator]()
  let rest: Buffer = Buffer.alloc(0)

  /** Whether there is any more. */
  async function more(): Promise<boolean> {
    while (rest.length === 0) {
      const next = await chunks.next()
      if (next.done === true) return false
      rest = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength)
    }
    return true
  }

  async function* pieces(bytes: number): AsyncGenerator<Buffer, void, undefined> {
    let left = bytes
    while (left > 0) {
      if (!(await more())) throw cutOff()
      const piece = rest.subarray(0, left)
      rest = rest.subarray(piece.length)
      left -= piece.length
      yield piece
    }
  }

  async function whole(bytes: number): Promise<Buffer> {
    const parts: Buffer[] = []
    for await (const piece of pieces(bytes)) parts.push(piece)
    return Buffer.concat(parts)
  }

  return { pieces, whole, block: async () => ((await more()) ? whole(blockBytes) : undefined) }
}
