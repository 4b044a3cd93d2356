import { constants } from 'node:fs'
import { beneath, type FileHandle, openFile } from './beneath.ts'
import { fdflag, fdflagsOf } from './descriptor-calls.ts'
import { refuse } from './errno.ts'
import { flagsOf, timesOf } from './numbers.ts'
import { filetype, filetypeOfMode, recordBytes, writeFilestat } from './records.ts'
import { directoryRights, fileRights, type Intent, intentOf, type Right, rightsOf } from './rights.ts'
import type { Call, World } from './world.ts'

/** `lookupflags` and `oflags` of typenames.witx. */
const followLink = 1
const oflag = { create: 1, directory: 2, exclusive: 4, truncate: 8 } as const

const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_DIRECTORY, O_EXCL, O_TRUNC, O_APPEND, O_NOFOLLOW } = constants

const follows = (lookup: number): boolean => flagsOf(lookup, followLink) !== 0

/** What opening a directory is for, whatever rights a program asks for with it. */
const listing: Intent = { read: true, write: false }

/** The system's flags for an opening. */
function openFlags({ read, write }: Intent, follow: boolean, how: number, flags: number): number {
  const access = !write ? O_RDONLY : read ? O_RDWR : O_WRONLY
  return (
    access |
    ((how & oflag.create) !== 0 ? O_CREAT : 0) |
    ((how & oflag.directory) !== 0 ? O_DIRECTORY : 0) |
    ((how & oflag.exclusive) !== 0 ? O_EXCL : 0) |
    ((how & oflag.truncate) !== 0 ? O_TRUNC : 0) |
    ((flags & fdflag.append) !== 0 ? O_APPEND : 0) |
    (follow ? 0 : O_NOFOLLOW)
  )
}

/** What opening needs beside PATH_OPEN. */
function openingRights(how: number): readonly Right[] {
  const rights: Right[] = ['PATH_OPEN']
  if ((how & oflag.create) !== 0) rights.push('PATH_CREATE_FILE')
  if ((how & oflag.truncate) !== 0) rights.push('PATH_FILESTAT_SET_SIZE')
  return rights
}

/** Asks about what a path names. */
function looking<T>(directory: FileHandle, path: Uint8Array, follow: boolean, ask: (file: FileHandle) => T): T {
  const file = beneath.look(directory, path, follow)
  try {
    return ask(file)
  } finally {
    openFile.close(file)
  }
}

/** Functions on paths. Each names a descriptor of a directory, and leads nowhere but below it. */
export function pathCalls({ memory, descriptors }: World) {
  const handleOf = (fd: number, right: Right): FileHandle => descriptors.directory(fd, right).thing.handle
  const named =
    (act: (directory: FileHandle, path: Uint8Array) => void, right: Right) =>
    (fd: number, pointer: number, length: number): void =>
      act(handleOf(fd, right), memory.path(pointer, length))

  return {
    path_create_directory: named(beneath.makeDirectory, 'PATH_CREATE_DIRECTORY'),
    path_remove_directory: named(beneath.removeDirectory, 'PATH_REMOVE_DIRECTORY'),
    path_unlink_file: named(beneath.unlink, 'PATH_UNLINK_FILE'),

    path_filestat_get(fd: number, lookup: number, pointer: number, length: number, result: number) {
      const directory = handleOf(fd, 'PATH_FILESTAT_GET')
      const view = memory.view(result, recordBytes.filestat)
      writeFilestat(view, looking(directory, memory.path(pointer, length), follows(lookup), openFile.stat))
    },

    path_filestat_set_times(
      fd: number,
      lookup: number,
      pointer: number,
      length: number,
      access: bigint,
      modification: bigint,
      flags: number,
    ) {
      const directory = handleOf(fd, 'PATH_FILESTAT_SET_TIMES')
      const times = timesOf(access, modification, flags)
      const path = memory.path(pointer, length)
      looking(directory, path, follows(lookup), (file) => openFile.setTimes(file, ...times))
    },

    path_link(
      fd: number,
      lookup: number,
      pointer: number,
      length: number,
      newFd: number,
      newPointer: number,
      newLength: number,
    ) {
      const { thing: from } = descriptors.directory(fd, 'PATH_LINK_SOURCE')
      const { thing: to } = descriptors.directory(newFd, 'PATH_LINK_TARGET')
      if (follows(lookup)) refuse('INVAL')
      if (from.tree !== to.tree) refuse('XDEV')
      beneath.link(from.handle, memory.path(pointer, length), to.handle, memory.path(newPointer, newLength))
    },

    path_open(
      fd: number,
      lookup: number,
      pointer: number,
      length: number,
      oflags: number,
      base: bigint,
      inheriting: bigint,
      fdflags: number,
      result: number,
    ) {
      const how = flagsOf(oflags, 15)
      const { thing, rights } = descriptors.directory(fd, ...openingRights(how))
      const number = memory.view(result, 4)
      const path = memory.path(pointer, length)
      const flags = fdflagsOf(fdflags)
      const passed = { base: rightsOf(base), inheriting: rightsOf(inheriting) & rights.inheriting }
      const intent = (how & oflag.directory) !== 0 ? listing : intentOf(passed.base, rights.inheriting)
      const follow = follows(lookup)
      descriptors.checkRoom()

      const handle = beneath.open(thing.handle, path, openFlags(intent, follow, how, flags))
      const isDirectory = filetypeOfMode(openFile.stat(handle).mode) === filetype.directory
      const had = passed.base & rights.inheriting
      const opened = isDirectory
        ? descriptors.add({ ...thing, handle }, { base: had & directoryRights, inheriting: passed.inheriting }, flags)
        : descriptors.add({ kind: 'file', handle, tree: thing.tree }, { base: had & fileRights, inheriting: 0 }, flags)
      number.setUint32(0, opened, true)
    },

    path_readlink(fd: number, pointer: number, length: number, target: number, targetLength: number, result: number) {
      const directory = handleOf(fd, 'PATH_READLINK')
      const size = memory.view(result, 4)
      const bytes = memory.bytes(target, targetLength)
      const path = memory.path(pointer, length)
      size.setUint32(
        0,
        looking(directory, path, false, (file) => openFile.readLink(file, bytes)),
        true,
      )
    },

    path_rename(fd: number, pointer: number, length: number, newFd: number, newPointer: number, newLength: number) {
      const from = handleOf(fd, 'PATH_RENAME_SOURCE')
      const to = handleOf(newFd, 'PATH_RENAME_TARGET')
      beneath.rename(from, memory.path(pointer, length), to, memory.path(newPointer, newLength))
    },

    path_symlink(target: number, targetLength: number, fd: number, pointer: number, length: number) {
      const directory = handleOf(fd, 'PATH_SYMLINK')
      beneath.symlink(directory, memory.path(pointer, length), memory.path(target, targetLength))
    },
  } satisfies Record<string, Call>
}
