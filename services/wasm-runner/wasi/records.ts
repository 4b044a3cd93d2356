import { constants } from 'node:fs'
import type { FileStat } from './beneath.ts'
import type { Descriptor, OpenThing } from './descriptors.ts'

/** `filetype` of typenames.witx. FIFOs have no number there. */
export const filetype = {
  unknown: 0,
  blockDevice: 1,
  characterDevice: 2,
  directory: 3,
  regularFile: 4,
  socket: 6,
  symbolicLink: 7,
} as const

const { S_IFMT, S_IFBLK, S_IFCHR, S_IFDIR, S_IFREG, S_IFSOCK, S_IFLNK } = constants
const byMode: ReadonlyMap<number, number> = new Map([
  [S_IFBLK, filetype.blockDevice],
  [S_IFCHR, filetype.characterDevice],
  [S_IFDIR, filetype.directory],
  [S_IFREG, filetype.regularFile],
  [S_IFSOCK, filetype.socket],
  [S_IFLNK, filetype.symbolicLink],
])

/** The type in a mode of the system's (inode(7)). */
export const filetypeOfMode = (mode: number): number => byMode.get(mode & S_IFMT) ?? filetype.unknown

const byKind: Readonly<Record<OpenThing['kind'], number>> = {
  input: filetype.characterDevice,
  output: filetype.characterDevice,
  file: filetype.regularFile,
  directory: filetype.directory,
  withdrawn: filetype.unknown,
}

/** Sizes of records in typenames.witx, bytes. */
export const recordBytes = { fdstat: 24, filestat: 64, prestat: 8, event: 32, subscription: 48, dirent: 24 } as const

export function writeFdstat(view: DataView, { thing, rights, flags }: Descriptor): void {
  view.setBigUint64(0, 0n)
  view.setUint8(0, byKind[thing.kind])
  view.setUint16(2, flags, true)
  view.setBigUint64(8, BigInt(rights.base), true)
  view.setBigUint64(16, BigInt(rights.inheriting), true)
}

/** `stat`: undefined for what is no file of the system's. */
export function writeFilestat(view: DataView, stat: FileStat | undefined): void {
  const fields =
    stat === undefined
      ? [0n, 0n, BigInt(filetype.characterDevice), 1n, 0n, 0n, 0n, 0n]
      : [
          ...[stat.device, stat.inode, BigInt(filetypeOfMode(stat.mode)), stat.links, stat.size],
          ...[stat.accessed, stat.modified, stat.changed],
        ]
  for (const [index, field] of fields.entries()) view.setBigUint64(index * 8, field, true)
}
