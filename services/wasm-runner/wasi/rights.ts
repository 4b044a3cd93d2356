import { refuse } from './errno.ts'
import type { PathAccess } from './grants.ts'

/** Rights by their names in typenames.witx, `rights`; the place in the list is the bit. All of them are below 2^31. */
const names = [
  ...['FD_DATASYNC', 'FD_READ', 'FD_SEEK', 'FD_FDSTAT_SET_FLAGS', 'FD_SYNC', 'FD_TELL', 'FD_WRITE', 'FD_ADVISE'],
  ...['FD_ALLOCATE', 'PATH_CREATE_DIRECTORY', 'PATH_CREATE_FILE', 'PATH_LINK_SOURCE', 'PATH_LINK_TARGET', 'PATH_OPEN'],
  ...['FD_READDIR', 'PATH_READLINK', 'PATH_RENAME_SOURCE', 'PATH_RENAME_TARGET', 'PATH_FILESTAT_GET'],
  ...['PATH_FILESTAT_SET_SIZE', 'PATH_FILESTAT_SET_TIMES', 'FD_FILESTAT_GET', 'FD_FILESTAT_SET_SIZE'],
  ...['FD_FILESTAT_SET_TIMES', 'PATH_SYMLINK', 'PATH_REMOVE_DIRECTORY', 'PATH_UNLINK_FILE', 'POLL_FD_READWRITE'],
  ...['SOCK_SHUTDOWN', 'SOCK_ACCEPT'],
] as const

export type Right = (typeof names)[number]

export const rightBits = Object.fromEntries(names.map((name, bit) => [name, 1 << bit])) as Readonly<
  Record<Right, number>
>

const all = (...rights: readonly Right[]): number => rights.reduce((bits, right) => bits | rightBits[right], 0)

/** What a descriptor may be used for, and what those that are opened through it may be. */
export interface Rights {
  readonly base: number
  readonly inheriting: number
}

const fileRead = all(
  ...(['FD_READ', 'FD_SEEK', 'FD_TELL', 'FD_ADVISE', 'FD_FILESTAT_GET', 'POLL_FD_READWRITE'] as const),
  'FD_FDSTAT_SET_FLAGS',
)
const fileWrite = all(
  ...(['FD_WRITE', 'FD_ALLOCATE', 'FD_DATASYNC', 'FD_SYNC'] as const),
  ...(['FD_FILESTAT_SET_SIZE', 'FD_FILESTAT_SET_TIMES'] as const),
)
const directoryRead = all('PATH_OPEN', 'FD_READDIR', 'PATH_READLINK', 'PATH_FILESTAT_GET', 'FD_FILESTAT_GET')
const directoryWrite = all(
  ...(['PATH_CREATE_DIRECTORY', 'PATH_CREATE_FILE', 'PATH_LINK_SOURCE', 'PATH_LINK_TARGET'] as const),
  ...(['PATH_RENAME_SOURCE', 'PATH_RENAME_TARGET', 'PATH_FILESTAT_SET_SIZE', 'PATH_FILESTAT_SET_TIMES'] as const),
  ...(['PATH_SYMLINK', 'PATH_REMOVE_DIRECTORY', 'PATH_UNLINK_FILE', 'FD_FILESTAT_SET_TIMES', 'FD_SYNC'] as const),
)

/** Rights that make sense for a file, and for a directory. */
export const fileRights = fileRead | fileWrite
export const directoryRights = directoryRead | directoryWrite

/** stdin and stdout. Without FD_SEEK and FD_TELL they count as terminals: C's stdout then gives each line away at once. */
export const inputRights: Rights = { base: all('FD_READ', 'FD_FILESTAT_GET', 'POLL_FD_READWRITE'), inheriting: 0 }
export const outputRights: Rights = { base: all('FD_WRITE', 'FD_FILESTAT_GET', 'POLL_FD_READWRITE'), inheriting: 0 }

/** Of a directory that is granted. */
export function grantedRights(access: PathAccess): Rights {
  return access === 'read'
    ? { base: directoryRead, inheriting: directoryRead | fileRead }
    : { base: directoryRights, inheriting: directoryRights | fileRights }
}

/** Whether all of `wanted` are among `rights`. */
export const includes = (rights: number, wanted: number): boolean => (rights & wanted) === wanted

const knownBits = (1 << names.length) - 1

/** The rights in a u64 of a guest's; bits that nobody has a name for are left out. */
export const rightsOf = (bits: bigint): number => Number(bits & BigInt(knownBits))

/** Whether a u64 of a guest's has bits that nobody has a name for. */
export const hasUnknown = (bits: bigint): boolean => (BigInt.asUintN(64, bits) & ~BigInt(knownBits)) !== 0n

const reading = all('FD_READ', 'FD_READDIR')
const changing = all('FD_WRITE', 'FD_ALLOCATE', 'FD_FILESTAT_SET_SIZE')

/** What somebody who opens a path wants to do with it. */
export interface Intent {
  readonly read: boolean
  readonly write: boolean
}

/**
 * What opening with these rights is for. Changing a file must be among what the directory passes on, or the opening is
 * NOTCAPABLE. Every other right that it does not pass on is just not there afterwards: Rust's library asks for all rights
 * that exist whenever it opens a file to read.
 */
export function intentOf(wanted: number, inheriting: number): Intent {
  if (!includes(inheriting, wanted & changing)) refuse('NOTCAPABLE')
  return { read: (wanted & reading) !== 0, write: (wanted & changing) !== 0 }
}
