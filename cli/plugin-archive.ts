import { createReadStream } from 'node:fs'
import { open, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { packTar, type TarEntry } from 'modern-tar'
import { ArchiveFormat } from '../gen/proto/openracing/v1/install.ts'
import { RigError, systemFailure } from '../rpc/failure.ts'
import { entriesMax, inMiB, unpackedBytesMax } from '../services/host/archive-bounds.ts'

/** What is sent to a host. */
export interface PluginArchive {
  readonly format: ArchiveFormat
  /** Its size, bytes. */
  readonly bytes: number
  readonly pieces: AsyncIterable<Buffer>
}

/** Pieces that it is sent in, bytes. */
const pieceBytes = 256 * 1024

/** What a project of a plugin has beside the plugin. */
const isLeftOut = (name: string): boolean => name.startsWith('.') || name === 'node_modules'

async function* cut(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes)
}

/** Files below a directory, by their paths from there. Throws REQUEST_INVALID for what no plugin is made of. */
async function filesIn(directory: string, below = ''): Promise<readonly string[]> {
  const files: string[] = []
  for (const entry of await readdir(join(directory, below), { withFileTypes: true })) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`
    if (isLeftOut(entry.name)) continue
    if (entry.isDirectory()) files.push(...(await filesIn(directory, path)))
    else if (entry.isFile()) files.push(path)
    else {
      const what = `${join(directory, path)} is ${entry.isSymbolicLink() ? 'a link' : 'neither a file nor a directory'}`
      throw new RigError('REQUEST_INVALID', `${what}; put a copy of the file there`)
    }
  }
  return files
}

/** A directory as an archive: a host takes nothing else, wherever it runs. */
async function packDirectory(directory: string): Promise<PluginArchive> {
  const files = await filesIn(directory)
  if (files.length > entriesMax) {
    throw new RigError(
      'REQUEST_INVALID',
      `${directory} has ${files.length} files, and a plugin at most ${entriesMax}; name the directory of the plugin alone`,
    )
  }
  const entries: TarEntry[] = []
  let bytes = 0
  for (const name of files) {
    bytes += (await stat(join(directory, name))).size
    if (bytes > unpackedBytesMax) {
      const most = `the files of ${directory} have more than ${inMiB(unpackedBytesMax)}, the most of a plugin`
      throw new RigError('REQUEST_INVALID', `${most}; name the directory of the plugin alone`)
    }
    const body = await readFile(join(directory, name))
    entries.push({ header: { name, size: body.length, type: 'file' }, body })
  }
  const packed = await promisify(gzip)(await packTar(entries))
  return { format: ArchiveFormat.ARCHIVE_FORMAT_TAR_GZ, bytes: packed.length, pieces: cut(packed) }
}

/** The first bytes of what we send: a file is what it begins as, whatever it is called. */
const beginnings: readonly (readonly [beginning: string, format: ArchiveFormat])[] = [
  ['\x1f\x8b', ArchiveFormat.ARCHIVE_FORMAT_TAR_GZ],
  ['PK', ArchiveFormat.ARCHIVE_FORMAT_ZIP],
]

async function openFile(path: string, bytes: number): Promise<PluginArchive> {
  await using file = await open(path)
  const { buffer } = await file.read(Buffer.alloc(2), 0, 2, 0)
  const [, format] = beginnings.find(([beginning]) => buffer.toString('latin1') === beginning) ?? []
  if (format !== undefined) return { format, bytes, pieces: createReadStream(path, { highWaterMark: pieceBytes }) }
  throw new RigError('ARCHIVE_INVALID', `${path} is neither a .tar.gz nor a .zip; name one, or the plugin's directory`)
}

/** The plugin in a .tar.gz, a .zip or a directory. Throws FILE_MISSING, REQUEST_INVALID and ARCHIVE_INVALID. */
export async function openPluginArchive(path: string): Promise<PluginArchive> {
  try {
    const found = await stat(path)
    if (found.isDirectory()) return await packDirectory(path)
    if (found.isFile()) return await openFile(path, found.size)
  } catch (cause) {
    if (cause instanceof RigError) throw cause
    const what = `${path} cannot be read (${(cause as Error).message}); name a .tar.gz, a .zip or a directory`
    throw new RigError(systemFailure(cause, 'FILE_MISSING'), what, { cause })
  }
  throw new RigError(
    'REQUEST_INVALID',
    `${path} is neither a file nor a directory; name a .tar.gz, a .zip or a directory`,
  )
}
