import { archiveInvalid, type EntryKind, showName } from './archive-path.ts'
import { blockBytes, openTarBytes, type TarBytes } from './tar-bytes.ts'
import { checkHeaderBytes, type PaxRecords, padding, parsePax, parseTarHeader, type TarHeader } from './tar-header.ts'

/** An entry as an archive has it. Its name is nobody's path yet, and its size what the archive says. */
export interface RawEntry {
  readonly name: Uint8Array
  readonly kind: EntryKind
  /** To be read to the end before the next entry is asked for. */
  readonly content: AsyncIterable<Uint8Array>
}

const kinds: Readonly<Record<string, EntryKind>> = { '0': 'file', '5': 'directory' }

/** What the other types of entries are, for the refusal. */
const refused: Readonly<Record<string, string>> = {
  '1': 'a hard link',
  '2': 'a symbolic link',
  '3': 'a character device',
  '4': 'a block device',
  '6': 'a fifo',
  '7': 'a contiguous file',
  D: 'a directory with a list of what was in it',
  K: 'a link with a long target',
  M: 'a part of a file of another archive',
  S: 'a sparse file',
  V: 'the label of a tape',
}

/** Records that would make the entry another one than its header says. */
const meddling = /^(GNU\.sparse\.|size$|hdrcharset$|linkpath$)/

function refuseMeddling(records: PaxRecords, more: RegExp = meddling): void {
  const key = [...records.keys()].find((each) => meddling.test(each) || more.test(each))
  if (key === undefined) return
  throw archiveInvalid(
    `a pax header of the archive has ${showName(key)}, which nothing that a plugin is made of needs; pack plain files`,
  )
}

function kindOf({ name, type, size }: TarHeader): EntryKind {
  const kind = kinds[type]
  if (kind === undefined) {
    const what = refused[type] ?? `an entry of the unknown type ${showName(type)}`
    throw archiveInvalid(
      `${showName(name)} is ${what}; a plugin is made of files and directories, so put a copy of the file there`,
    )
  }
  if (kind === 'directory' && size > 0) {
    throw archiveInvalid(`the directory ${showName(name)} has ${size} bytes of content; pack the archive again`)
  }
  return kind
}

/** The name of an entry that comes next, where its own header has no room for it. */
async function readName(tar: TarBytes, { type, size }: TarHeader): Promise<Uint8Array | undefined> {
  checkHeaderBytes(size)
  const bytes = await tar.whole(size)
  await tar.whole(padding(size))
  if (type === 'L') return bytes.at(-1) === 0 ? bytes.subarray(0, -1) : bytes
  const records = parsePax(bytes)
  refuseMeddling(records, type === 'g' ? /^path$/ : undefined)
  return records.get('path')
}

const isHeaderOfOthers = (type: string): boolean => type === 'L' || type === 'x' || type === 'g'
const isZero = (block: Buffer): boolean => block.every((byte) => byte === 0)

/** Two blocks of zeroes end a tar, and fill up what its writer wrote at once. */
async function checkEnd(tar: TarBytes): Promise<void> {
  const second = await tar.block()
  if (second === undefined) throw archiveInvalid('the archive is cut off in its last block; get it again')
  for (let block: Buffer | undefined = second; block !== undefined; block = await tar.block()) {
    if (!isZero(block)) throw archiveInvalid('the archive goes on after its end; pack it again, in one go')
  }
}

/**
 * The entries of a tar: those of POSIX, pax and GNU that are files and directories. Whatever is not understood in full is
 * refused, and nothing is skipped. Throws ARCHIVE_INVALID.
 */
export async function* readTar(source: AsyncIterable<Uint8Array>): AsyncGenerator<RawEntry, void, undefined> {
  const tar = openTarBytes(source)
  let longName: Uint8Array | undefined
  let awaited = false
  for (;;) {
    const block = await tar.block()
    if (block === undefined)
      throw archiveInvalid(`the archive is cut off: it has no end of ${2 * blockBytes} zeroes; get it again`)
    if (isZero(block)) break
    const header = parseTarHeader(block)
    if (isHeaderOfOthers(header.type)) {
      if (awaited) throw archiveInvalid('an entry of the archive has more than one name; pack the archive again')
      longName = await readName(tar, header)
      awaited = header.type !== 'g'
      continue
    }
    const named = { ...header, name: longName ?? header.name }
    yield { name: named.name, kind: kindOf(named), content: tar.pieces(header.size) }
    await tar.whole(padding(header.size))
    longName = undefined
    awaited = false
  }
  if (awaited) throw archiveInvalid('the archive ends with the name of an entry and without the entry; pack it again')
  await checkEnd(tar)
}
