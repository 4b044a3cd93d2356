import { type FileHandle, open } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { type Entry, openPromise, type ZipFile } from 'yauzl'
import { onOneLine } from '../../input/one-line.ts'
import { RigError } from '../../rpc/failure.ts'
import { archiveInvalid, showName } from './archive-path.ts'
import type { RawEntry } from './tar-archive.ts'
import {
  belongsToNobody,
  endBytes,
  gapsOf,
  parseZipEnd,
  type ZipEnd,
  type ZipGap,
  type ZipRange,
  zipKindOf,
} from './zip-directory.ts'
import { canDescribe, checkDescriptor, checkLocal, isDescribed } from './zip-local.ts'

/** What the library refuses has no code of ours. */
function asRefusal(cause: unknown): RigError {
  if (cause instanceof RigError) return cause
  const why = onOneLine((cause as Error).message)
  return archiveInvalid(`the archive is no zip, or it is damaged (${why}); get it again, or pack it again`, { cause })
}

async function readEnd(file: FileHandle, endsAt: number): Promise<ZipEnd> {
  const before = Math.min(endsAt, endBytes + 20)
  const { buffer, bytesRead } = await file.read(Buffer.alloc(before), 0, before, endsAt - before)
  return parseZipEnd(buffer.subarray(0, bytesRead), endsAt)
}

interface EntryRange extends ZipRange {
  readonly entry: Entry
}

/** The bytes of an entry. The two places of a zip that speak of it must say the same. */
async function rangeOf(zip: ZipFile, entry: Entry): Promise<EntryRange> {
  const local = await zip.readLocalFileHeaderPromise(entry)
  checkLocal(local, entry)
  return { entry, begin: entry.relativeOffsetOfLocalHeader, end: local.fileDataStart + entry.compressedSize }
}

/** What is after an entry: nothing, or where it says that its sizes follow, these. */
async function checkGap(file: FileHandle, { range: { entry, end }, bytes }: ZipGap<EntryRange>): Promise<void> {
  const described = isDescribed(entry)
  if (bytes > 0 && !(described && canDescribe(bytes))) throw belongsToNobody(bytes)
  if (!described) return
  const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, end)
  checkDescriptor(buffer.subarray(0, bytesRead), entry)
}

async function* contentOf(zip: ZipFile, entry: Entry): AsyncGenerator<Uint8Array, void, undefined> {
  let sum = 0
  try {
    for await (const piece of await zip.openReadStreamPromise(entry)) {
      sum = crc32(piece, sum)
      yield piece
    }
  } catch (cause) {
    throw asRefusal(cause)
  }
  if (sum === entry.crc32) return
  throw archiveInvalid(`${showName(entry.fileNameRaw)} is damaged: its checksum is another one; get the archive again`)
}

interface Listed {
  readonly entry: Entry
  readonly kind: RawEntry['kind']
}

async function listEntries(zip: ZipFile, file: FileHandle, end: ZipEnd): Promise<readonly Listed[]> {
  const listed: Listed[] = []
  const ranges: EntryRange[] = []
  let directoryBytes = 0
  for await (const entry of zip.eachEntry()) {
    listed.push({ entry, kind: zipKindOf(entry) })
    ranges.push(await rangeOf(zip, entry))
    directoryBytes += 46 + entry.fileNameLength + entry.extraFieldLength + entry.fileCommentLength
  }
  if (directoryBytes !== end.end - end.begin)
    throw archiveInvalid('the directory of the zip has more in it than entries; pack it again')
  for (const gap of gapsOf(ranges, end.begin)) await checkGap(file, gap)
  return listed
}

/** The entries of a zip file. All of its directory is checked before the first of them is yielded. Throws ARCHIVE_INVALID. */
export async function* readZip(path: string): AsyncGenerator<RawEntry, void, undefined> {
  let zip: ZipFile | undefined
  try {
    zip = await openPromise(path, { decodeStrings: false, autoClose: false })
    await using file = await open(path, 'r')
    const comment = zip.comment as unknown as Buffer // which it is without decodeStrings
    const end = await readEnd(file, (await file.stat()).size - comment.length)
    for (const { entry, kind } of await listEntries(zip, file, end)) {
      yield { name: entry.fileNameRaw, kind, content: contentOf(zip, entry) }
    }
  } catch (cause) {
    throw asRefusal(cause)
  } finally {
    zip?.close()
  }
}
