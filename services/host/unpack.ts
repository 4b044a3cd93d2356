import { createReadStream } from 'node:fs'
import { mkdir, open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createGunzip } from 'node:zlib'
import { RigError } from '../../rpc/failure.ts'
import { fileBytesMax, inMiB, tarBytesMax, unpackedBytesMax } from './archive-bounds.ts'
import { archiveInvalid, createEntryLedger, parseEntryPath, showName } from './archive-path.ts'
import { type RawEntry, readTar } from './tar-archive.ts'
import { readZip } from './zip-archive.ts'

export type ArchiveFormat = 'tar.gz' | 'zip'

/** Modes of what is unpacked, whatever the archive says: nothing of a plugin is run from where it lies. */
const fileMode = 0o644
const directoryMode = 0o755

/** The bytes of a gzip file: all of it, at most `tarBytesMax`. */
async function* gunzip(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  let bytes = 0
  const packed = createReadStream(path)
  // Concatenated or followed by anything, it would be another archive for another program.
  const unpacked = packed.pipe(createGunzip({ rejectGarbageAfterEnd: true }))
  packed.on('error', (cause) => unpacked.destroy(cause))
  try {
    for await (const piece of unpacked as AsyncIterable<Buffer>) {
      bytes += piece.length
      if (bytes > tarBytesMax) throw archiveInvalid(`the archive unpacks to more than ${inMiB(tarBytesMax)}`)
      yield piece
    }
  } catch (cause) {
    if (cause instanceof RigError) throw cause
    const why = (cause as Error).message
    throw archiveInvalid(`the archive is no .tar.gz, or it is damaged (${why}); get it again, or pack it again`, {
      cause,
    })
  } finally {
    packed.destroy()
  }
}

const entriesOf: Readonly<Record<ArchiveFormat, (path: string) => AsyncGenerator<RawEntry, void, undefined>>> = {
  'tar.gz': (path) => readTar(gunzip(path)),
  zip: readZip,
}

/** Not all at once, and not waiting for it: there may be many. */
async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path)
  await directory.sync()
}

/** What was unpacked. */
export interface Unpacked {
  /** The directory that holds everything, where there is one: the plugin is in there. */
  readonly top: string | undefined
  readonly bytes: number
}

/**
 * Unpacks an archive into a new directory. Yields after each piece how many bytes there are by now, and
 * returns when all of them are on the disk. What is refused leaves a part in the directory.
 * Throws ARCHIVE_INVALID.
 */
export async function* unpack(
  archive: string,
  format: ArchiveFormat,
  into: string,
): AsyncGenerator<number, Unpacked, undefined> {
  await mkdir(into, { mode: directoryMode })
  const ledger = createEntryLedger()
  const directories = new Set([into])
  let bytes = 0

  async function makeDirectory(path: string): Promise<void> {
    const whole = join(into, path)
    if (directories.has(whole)) return
    await makeDirectory(dirname(path))
    await mkdir(whole, { mode: directoryMode })
    directories.add(whole)
  }

  function charge(shown: string, fileBytes: number): void {
    const much = fileBytes > fileBytesMax ? `${shown} has more than ${inMiB(fileBytesMax)}, the most of a file` : ''
    const all = `the files of the archive have more than ${inMiB(unpackedBytesMax)} together, the most of a plugin`
    if (much !== '' || bytes > unpackedBytesMax) throw archiveInvalid(`${much || all}; leave out what it does not need`)
  }

  /** Bytes are counted as they come: what the archive says of its sizes is worth nothing. */
  async function* write(path: string, content: AsyncIterable<Uint8Array>): AsyncGenerator<number, void, undefined> {
    await makeDirectory(dirname(path))
    await using file = await open(join(into, path), 'wx', fileMode)
    let fileBytes = 0
    for await (const piece of content) {
      fileBytes += piece.length
      bytes += piece.length
      charge(showName(path), fileBytes)
      await file.writeFile(piece)
      yield bytes
    }
    await file.chmod(fileMode) // whatever the umask
    await file.sync()
  }

  for await (const { name, kind, content } of entriesOf[format](archive)) {
    const path = parseEntryPath(name, kind)
    ledger.note(path, kind)
    if (kind === 'file') yield* write(path, content)
    else await makeDirectory(path)
  }
  for (const directory of directories) await syncDirectory(directory)
  return { top: ledger.top(), bytes }
}
