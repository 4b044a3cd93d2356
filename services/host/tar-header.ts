import { headerBytesMax } from './archive-bounds.ts'
import { archiveInvalid, showName } from './archive-path.ts'
import { blockBytes } from './tar-bytes.ts'

/** A block that says what comes after it. */
export interface TarHeader {
  /** As it is written; a name that is too long for it stands in an entry before. */
  readonly name: Uint8Array
  /** One character. */
  readonly type: string
  readonly size: number
}

/** POSIX, and GNU's own, whose long names are in entries of their own. */
const posixMagic = 'ustar\x0000'
const gnuMagic = 'ustar  \0'

const damaged = (what: string) =>
  archiveInvalid(`the archive is no tar, or it is damaged: ${what}; get it again, or pack it again`)

function text(block: Buffer, at: number, length: number): Buffer {
  const field = block.subarray(at, at + length)
  const end = field.indexOf(0)
  return end === -1 ? field : field.subarray(0, end)
}

function octal(block: Buffer, at: number, length: number, what: string): number {
  const digits = block.toString('latin1', at, at + length)
  const found = /^ *([0-7]+)[ \0]*$/.exec(digits)
  if (found?.[1] !== undefined) return Number.parseInt(found[1], 8)
  throw damaged(`the ${what} of an entry is ${showName(digits)}, which is no octal number`)
}

function checkSum(block: Buffer): void {
  const said = octal(block, 148, 8, 'checksum')
  const sum = block.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0)
  if (sum !== said) throw damaged(`a header says that its checksum is ${said}, and it is ${sum}`)
}

/** The header in a block that is not all zeroes. Throws ARCHIVE_INVALID. */
export function parseTarHeader(block: Buffer): TarHeader {
  checkSum(block)
  const magic = block.toString('latin1', 257, 265)
  if (magic !== posixMagic && magic !== gnuMagic) throw damaged('a header is neither of POSIX nor of GNU')
  const name = text(block, 0, 100)
  const prefix = magic === posixMagic ? text(block, 345, 155) : Buffer.alloc(0)
  return {
    name: prefix.length === 0 ? name : Buffer.concat([prefix, Buffer.from('/'), name]),
    type: block[156] === 0 ? '0' : block.toString('latin1', 156, 157),
    size: octal(block, 124, 12, 'size'),
  }
}

/** What fills an entry up to whole blocks. */
export const padding = (bytes: number): number => (blockBytes - (bytes % blockBytes)) % blockBytes

/** Throws ARCHIVE_INVALID. */
export function checkHeaderBytes(bytes: number): void {
  if (bytes <= headerBytesMax) return
  throw archiveInvalid(
    `a header of the archive has ${bytes} bytes, and the most is ${headerBytesMax}; pack it without extended attributes`,
  )
}

/** The records of a header of POSIX's pax, in their order: what it says about the entry that follows. */
export type PaxRecords = ReadonlyMap<string, Buffer>

/** Throws ARCHIVE_INVALID for anything but a row of `length key=value\n`, each key once. */
export function parsePax(bytes: Buffer): PaxRecords {
  const records = new Map<string, Buffer>()
  let rest = bytes
  while (rest.length > 0) {
    const length = Number(/^([1-9]\d{0,5}) /.exec(rest.toString('latin1', 0, 8))?.[1])
    const record = rest.subarray(0, length)
    const [space, equals] = [record.indexOf(' '), record.indexOf('=')]
    if (!(length <= rest.length) || equals <= space || record.at(-1) !== 0x0a) {
      throw damaged('a pax header is not made of records')
    }
    const key = record.toString('latin1', space + 1, equals)
    if (records.has(key)) throw archiveInvalid(`a pax header has ${showName(key)} twice; pack the archive again`)
    records.set(key, record.subarray(equals + 1, -1))
    rest = rest.subarray(length)
  }
  return records
}
