import { constants } from 'node:os'
import { addon, type Handle } from '../../../native/addon.ts'
import { type ErrnoName, errno, refuse } from './errno.ts'

// Files beneath a directory, as native/beneath.h has them. What the system refuses is thrown as a Refusal, by its name in
// preview 1; what leads out of the directory is NOTCAPABLE.

/** A file or directory that is open. Closed by close(), or with the thread that opened it. */
export type FileHandle = Handle

const systemErrors = constants.errno as Readonly<Record<string, number>>
const byNumber: ReadonlyMap<number, ErrnoName> = new Map(
  (Object.keys(errno) as ErrnoName[]).flatMap((name) => {
    const number = systemErrors[`E${name}`]
    return number === undefined ? [] : [[-number, name] as const]
  }),
)

function answer(result: number): number {
  if (result >= 0) return result
  return refuse(result === addon.beneathOutside ? 'NOTCAPABLE' : (byNumber.get(result) ?? 'IO'))
}

const opened = (result: FileHandle | number): FileHandle => {
  if (typeof result !== 'number') return result
  answer(result)
  return refuse('IO')
}

/** What the system says of a file. Times are ns since 1970. */
export interface FileStat {
  readonly device: bigint
  readonly inode: bigint
  readonly mode: number
  readonly links: bigint
  readonly size: bigint
  readonly accessed: bigint
  readonly modified: bigint
  readonly changed: bigint
}

const statBytes = 64

function stat(file: FileHandle): FileStat {
  const record = new BigUint64Array(statBytes / 8)
  answer(addon.fileStat(file, new Uint8Array(record.buffer)))
  const [device = 0n, inode = 0n, mode = 0n, links = 0n, size = 0n, accessed = 0n, modified = 0n, changed = 0n] = record
  return { device, inode, mode: Number(mode), links, size, accessed, modified, changed }
}

/** What a time is set to: ns since 1970. */
export type FileTime = bigint | 'now' | 'same'

const timeOf = (time: FileTime): bigint => (time === 'now' ? -1n : time === 'same' ? -2n : time)

/** Where an offset counts from. */
export const whences = ['set', 'current', 'end'] as const
export type Whence = (typeof whences)[number]

/** Calls on paths, which are resolved beneath `directory`. */
export const beneath = {
  /** An absolute path of the host's own. */
  root: (path: string): FileHandle => opened(addon.beneathRoot(path)),
  /** `flags`: the system's. Regular files and directories only. */
  open: (directory: FileHandle, path: Uint8Array, flags: number): FileHandle =>
    opened(addon.beneathOpen(directory, path, flags)),
  /** Something to ask about, whatever it is; it cannot be read. */
  look: (directory: FileHandle, path: Uint8Array, follow: boolean): FileHandle =>
    opened(addon.beneathLook(directory, path, follow)),
  makeDirectory: (directory: FileHandle, path: Uint8Array) => answer(addon.beneathMakeDirectory(directory, path)),
  removeDirectory: (directory: FileHandle, path: Uint8Array) => answer(addon.beneathRemoveDirectory(directory, path)),
  unlink: (directory: FileHandle, path: Uint8Array) => answer(addon.beneathUnlink(directory, path)),
  rename: (from: FileHandle, path: Uint8Array, to: FileHandle, newPath: Uint8Array) =>
    answer(addon.beneathRename(from, path, to, newPath)),
  link: (from: FileHandle, path: Uint8Array, to: FileHandle, newPath: Uint8Array) =>
    answer(addon.beneathLink(from, path, to, newPath)),
  symlink: (directory: FileHandle, path: Uint8Array, target: Uint8Array) =>
    answer(addon.beneathSymlink(directory, path, target)),
} as const

/** Calls on what is open. Offsets and sizes are whole numbers within 2^53. */
export const openFile = {
  read: (file: FileHandle, bytes: Uint8Array) => answer(addon.fileRead(file, bytes)),
  write: (file: FileHandle, bytes: Uint8Array) => answer(addon.fileWrite(file, bytes)),
  readAt: (file: FileHandle, bytes: Uint8Array, offset: number) => answer(addon.fileReadAt(file, bytes, offset)),
  writeAt: (file: FileHandle, bytes: Uint8Array, offset: number) => answer(addon.fileWriteAt(file, bytes, offset)),
  seek: (file: FileHandle, delta: number, whence: Whence) =>
    answer(addon.fileSeek(file, delta, whences.indexOf(whence))),
  stat,
  setTimes: (file: FileHandle, access: FileTime, modification: FileTime) =>
    answer(addon.fileSetTimes(file, timeOf(access), timeOf(modification))),
  readLink: (file: FileHandle, bytes: Uint8Array) => answer(addon.fileReadLink(file, bytes)),
  resize: (file: FileHandle, size: number) => answer(addon.fileResize(file, size)),
  allocate: (file: FileHandle, offset: number, length: number) => answer(addon.fileAllocate(file, offset, length)),
  /** Has what was written on its way to the disk, and does not wait for it to arrive. */
  flush: (file: FileHandle) => answer(addon.fileFlush(file)),
  append: (file: FileHandle, append: boolean) => answer(addon.fileAppend(file, append)),
  /** Entries from `cookie` on, in the system's form (getdents64); 0 bytes at the end. */
  entries: (directory: FileHandle, cookie: bigint, bytes: Uint8Array) =>
    answer(addon.directoryEntries(directory, cookie, bytes)),
  /** May be called twice. */
  close: (file: FileHandle): void => addon.fileClose(file),
} as const
