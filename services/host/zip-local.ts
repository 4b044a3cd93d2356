import { archiveInvalid, showName } from './archive-path.ts'
import { checkExtraFields } from './zip-directory.ts'

// A program that reads a zip from its beginning believes what is in front of a file and after it, and never sees the
// directory. What they say is compared, so that nobody unpacks another plugin from the archive than we do.

/** What each place that speaks of an entry says of it. */
export interface ZipClaims {
  readonly crc32: number
  readonly compressedSize: number
  readonly uncompressedSize: number
}

/** Of an entry, what the directory says. */
export interface DirectoryClaims extends ZipClaims {
  readonly fileNameRaw: Buffer
  readonly generalPurposeBitFlag: number
  readonly compressionMethod: number
}

/** Of an entry, what is in front of its content. */
export interface LocalClaims extends ZipClaims {
  readonly fileName: Buffer
  readonly generalPurposeBitFlag: number
  readonly compressionMethod: number
  readonly extraField: Buffer
}

/** Flag of an entry: checksum and sizes follow after its content. */
const describedFlag = 0x8

export const isDescribed = ({ generalPurposeBitFlag }: DirectoryClaims): boolean =>
  (generalPurposeBitFlag & describedFlag) !== 0

const claimed = ['crc32', 'compressedSize', 'uncompressedSize'] as const

interface ExtraField {
  readonly id: number
  readonly data: Buffer
}

/** The extra fields in front of a file. Up to 3 bytes that are too few for one fill up, as programs that align do. */
function extraFieldsOf(raw: Buffer, name: string): readonly ExtraField[] {
  const fields: ExtraField[] = []
  for (let at = 0; at + 4 <= raw.length; ) {
    const end = at + 4 + raw.readUInt16LE(at + 2)
    if (end > raw.length) throw archiveInvalid(`an extra field of ${name} is cut off; pack the archive again`)
    fields.push({ id: raw.readUInt16LE(at), data: raw.subarray(at + 4, end) })
    at = end
  }
  return fields
}

/** Throws ARCHIVE_INVALID unless what is in front of a file says of it what the directory of the zip does. */
export function checkLocal(local: LocalClaims, entry: DirectoryClaims): void {
  const name = showName(entry.fileNameRaw)
  const same =
    local.fileName.equals(entry.fileNameRaw) &&
    local.compressionMethod === entry.compressionMethod &&
    local.generalPurposeBitFlag === entry.generalPurposeBitFlag
  if (!same) throw archiveInvalid(`${name} is another entry in the directory of the zip; pack it again`)
  checkExtraFields(extraFieldsOf(local.extraField, name), entry.fileNameRaw)
  // Where they follow they are 0 here, or are said twice.
  const agree = claimed.every((key) => local[key] === entry[key] || (isDescribed(entry) && local[key] === 0))
  if (!agree) throw archiveInvalid(`${name} has another size or checksum in the directory of the zip; pack it again`)
}

const descriptorMark = 0x08074b50

/** Forms of a descriptor, by their length: sizes of 32 or 64 bits, with a mark before them or without. */
const forms: ReadonlyMap<number, { readonly isMarked: boolean; readonly isWide: boolean }> = new Map([
  [12, { isMarked: false, isWide: false }],
  [16, { isMarked: true, isWide: false }],
  [20, { isMarked: false, isWide: true }],
  [24, { isMarked: true, isWide: true }],
])

/** Whether so many bytes after an entry can be its descriptor. */
export const canDescribe = (bytes: number): boolean => forms.has(bytes)

/** Throws ARCHIVE_INVALID unless `bytes`, all that follows after an entry, say of it what the directory of the zip does. */
export function checkDescriptor(bytes: Buffer, entry: DirectoryClaims): void {
  const form = forms.get(bytes.length)
  const at = form?.isMarked ? 4 : 0
  const sizeAt = (index: number): bigint =>
    form?.isWide ? bytes.readBigUInt64LE(at + 4 + index * 8) : BigInt(bytes.readUInt32LE(at + 4 + index * 4))
  const agrees =
    form !== undefined &&
    (!form.isMarked || bytes.readUInt32LE(0) === descriptorMark) &&
    bytes.readUInt32LE(at) === entry.crc32 &&
    sizeAt(0) === BigInt(entry.compressedSize) &&
    sizeAt(1) === BigInt(entry.uncompressedSize)
  if (agrees) return
  const name = showName(entry.fileNameRaw)
  throw archiveInvalid(`what follows after ${name} is not what the directory of the zip says of it; pack it again`)
}
