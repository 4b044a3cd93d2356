import { entriesMax } from './archive-bounds.ts'
import { archiveInvalid, type EntryKind, showName } from './archive-path.ts'

/** What the end of a zip says about its directory. */
export interface ZipEnd {
  /** Where the directory begins, and where it ends. */
  readonly begin: number
  readonly end: number
}

/** Bytes of the record that ends a zip, without its comment, and of the one before it where it is zip64. */
export const endBytes = 22
const zip64Bytes = 20

const endMark = 0x06054b50
const zip64Mark = 0x07064b50
/** Stands for a number that is in a zip64 record. */
const elsewhere16 = 0xffff
const elsewhere32 = 0xffffffff

const isZip64 = (): Error =>
  archiveInvalid('the archive is in the form for more than 4 GiB (zip64), which no plugin needs; pack it as .tar.gz')

/**
 * `tail`: the last bytes of a zip without its comment, at least `endBytes` and up to 20 more. `endsAt`: where they end in
 * the file. Throws ARCHIVE_INVALID unless the directory, all of it on this disk, ends where this record begins.
 */
export function parseZipEnd(tail: Buffer, endsAt: number): ZipEnd {
  const record = tail.subarray(-endBytes)
  if (record.length < endBytes || record.readUInt32LE(0) !== endMark) {
    throw archiveInvalid('the archive is no zip, or it is cut off; get it again, or pack it again')
  }
  const [entriesHere, entries] = [record.readUInt16LE(8), record.readUInt16LE(10)]
  const [size, begin] = [record.readUInt32LE(12), record.readUInt32LE(16)]
  const before = tail.subarray(0, -endBytes)
  const hasZip64 = before.length === zip64Bytes && before.readUInt32LE(0) === zip64Mark
  if (hasZip64 || entries === elsewhere16 || size === elsewhere32 || begin === elsewhere32) throw isZip64()
  if (record.readUInt16LE(4) !== 0 || record.readUInt16LE(6) !== 0 || entriesHere !== entries) {
    throw archiveInvalid('the archive is one of several parts; pack it as one')
  }
  if (entries > entriesMax) {
    throw archiveInvalid(`the archive has ${entries} entries, and the most that a plugin may have is ${entriesMax}`)
  }
  const end = endsAt - endBytes
  if (begin + size === end) return { begin, end }
  throw archiveInvalid(
    'the directory of the zip is not where its end says; something was put into it, so pack it again',
  )
}

/** Of an entry, what the directory of a zip says. */
export interface ZipEntry {
  readonly fileNameRaw: Buffer
  readonly generalPurposeBitFlag: number
  readonly compressionMethod: number
  readonly uncompressedSize: number
  readonly versionMadeBy: number
  readonly externalFileAttributes: number
  readonly extraFields: readonly { readonly id: number; readonly data: Buffer }[]
}

/** Bits of the flags: encrypted, with strong encryption, with the directory's names masked. */
const encryptedFlags = 0x1 | 0x40 | 0x2000
const stored = 0
const deflated = 8

/** The type of a file in the mode that Unix gives it, and which of them there may be. */
const typeMask = 0o170000
const typeFile = 0o100000
const typeDirectory = 0o040000
const typeNames: ReadonlyMap<number, string> = new Map([
  [0o120000, 'a symbolic link'],
  [0o010000, 'a fifo'],
  [0o020000, 'a character device'],
  [0o060000, 'a block device'],
  [0o140000, 'a socket'],
])

/** Ids of the extra fields that would give the entry other sizes, and another name. */
const zip64Field = 0x0001
const unicodePathField = 0x7075
/** Of the unicode path: version, and the checksum of the other name. */
const unicodePathHead = 5

/** Throws ARCHIVE_INVALID for extra fields, in the directory or in front of a file, that make another entry of it. */
export function checkExtraFields(fields: ZipEntry['extraFields'], fileNameRaw: Buffer): void {
  for (const { id, data } of fields) {
    if (id === zip64Field) throw isZip64()
    if (id === unicodePathField && !data.subarray(unicodePathHead).equals(fileNameRaw)) {
      throw archiveInvalid(`${showName(fileNameRaw)} has another name beside this one; pack the archive again`)
    }
  }
}

/** What an entry is. Throws ARCHIVE_INVALID for what it must not be. */
export function zipKindOf(entry: ZipEntry): EntryKind {
  const { fileNameRaw, externalFileAttributes, extraFields } = entry
  const name = showName(fileNameRaw)
  if ((entry.generalPurposeBitFlag & encryptedFlags) !== 0) {
    throw archiveInvalid(`${name} is encrypted; pack the archive without a password`)
  }
  if (entry.compressionMethod !== stored && entry.compressionMethod !== deflated) {
    throw archiveInvalid(
      `${name} is packed with method ${entry.compressionMethod}; pack it with deflate (8), or not (0)`,
    )
  }
  checkExtraFields(extraFields, fileNameRaw)
  const kind: EntryKind = fileNameRaw.at(-1) === 0x2f ? 'directory' : 'file'
  const type = (externalFileAttributes >>> 16) & typeMask
  if (type !== 0 && type !== (kind === 'file' ? typeFile : typeDirectory)) {
    const what = typeNames.get(type) ?? `of type ${type.toString(8)}, which its name does not say`
    throw archiveInvalid(
      `${name} is ${what}; a plugin is made of files and directories, so put a copy of the file there`,
    )
  }
  if (kind === 'file' || entry.uncompressedSize === 0) return kind
  throw archiveInvalid(`the directory ${name} has ${entry.uncompressedSize} bytes of content; pack the archive again`)
}

/** The bytes of a file that an entry has: its header and what is packed. */
export interface ZipRange {
  readonly begin: number
  readonly end: number
}

/** An entry, and the bytes between it and what comes next. */
export interface ZipGap<Range extends ZipRange> {
  readonly range: Range
  readonly bytes: number
}

/**
 * What follows after each entry, in the order of the file. Throws ARCHIVE_INVALID where they overlap, or the first is not
 * at the beginning of the file.
 */
export function gapsOf<Range extends ZipRange>(
  ranges: readonly Range[],
  directoryBegin: number,
): readonly ZipGap<Range>[] {
  const inOrder = ranges.toSorted((a, b) => a.begin - b.begin)
  const first = inOrder[0]?.begin ?? directoryBegin
  if (first > 0) throw belongsToNobody(first)
  return inOrder.map((range, index) => {
    const bytes = (inOrder[index + 1]?.begin ?? directoryBegin) - range.end
    if (bytes < 0) throw archiveInvalid('entries of the archive overlap; pack it again')
    return { range, bytes }
  })
}

export const belongsToNobody = (bytes: number): Error =>
  archiveInvalid(`the archive has ${bytes} bytes that belong to no entry; pack it again`)
