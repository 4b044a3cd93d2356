import { lineBytesMax } from '../guest-log.ts'

/** Bytes of one write that are used: each may be the end of a line. */
export const outputBytesMax = 4096

/** Makes lines of what a guest writes. */
export interface LineOutput {
  write(bytes: Uint8Array): void
  /** Gives away what is left of a line that has no end yet. */
  flush(): void
}

const newline = 10

/** Empty lines are left out, and of a long one all but its first `lineBytesMax` bytes. */
export function createLineOutput(giveAway: (line: Uint8Array) => void): LineOutput {
  let begun: Uint8Array | undefined
  let length = 0

  const keep = (part: Uint8Array): void => {
    if (part.length === 0) return
    begun ??= new Uint8Array(lineBytesMax)
    const room = part.subarray(0, lineBytesMax - length)
    begun.set(room, length)
    length += room.length
  }

  const flush = (): void => {
    if (length > 0 && begun !== undefined) giveAway(begun.subarray(0, length))
    length = 0
  }

  return {
    write(bytes) {
      let from = 0
      for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, from)) {
        keep(bytes.subarray(from, end))
        flush()
        from = end + 1
      }
      keep(bytes.subarray(from))
    },
    flush,
  }
}
