// Values and slots that say which one they are in every word, so that a torn or mixed one shows.

/** Bytes of a numbered ring slot. */
export const slotBytes = 32
/** Slots of the ring between the test programs. */
export const slotCount = 64
/** Bytes of a numbered value of a Latest cell; not a whole number of cache lines. */
export const valueBytes = 264

/** Fills every 8-byte word of `bytes` from `life` and `number`. */
export function writeNumbered(bytes: Buffer, life: number, number: number): void {
  for (let at = 0; at < bytes.length; at += 8) {
    bytes.writeUInt32LE(life, at)
    bytes.writeUInt32LE(number, at + 4)
  }
}

/** What was written, or undefined when the words are not of one writing. */
export function readNumbered(bytes: Buffer): { life: number; number: number } | undefined {
  const first = bytes.readBigUInt64LE(0)
  for (let at = 8; at < bytes.length; at += 8) {
    if (bytes.readBigUInt64LE(at) !== first) return undefined
  }
  return { life: bytes.readUInt32LE(0), number: bytes.readUInt32LE(4) }
}
