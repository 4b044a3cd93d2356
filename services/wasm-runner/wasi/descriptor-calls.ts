import { openFile } from './beneath.ts'
import { refuse } from './errno.ts'
import { flagsOf } from './numbers.ts'
import { recordBytes, writeFdstat } from './records.ts'
import { hasUnknown, includes, rightsOf } from './rights.ts'
import type { Call, World } from './world.ts'

/** `fdflags` of typenames.witx. */
export const fdflag = { append: 1, dsync: 2, nonblock: 4, rsync: 8, sync: 16 } as const
const fdflagsKnown = 31
const advices = 6

/** APPEND and NONBLOCK. The others would have each write wait for the disk, and with it every plugin of the thread. */
export function fdflagsOf(value: number): number {
  const flags = flagsOf(value, fdflagsKnown)
  if ((flags & (fdflag.dsync | fdflag.rsync | fdflag.sync)) !== 0) refuse('NOTSUP')
  return flags
}

/** Functions on descriptors as such. */
export function descriptorCalls({ memory, descriptors }: World) {
  // Withdrawn or not: a library that looks for directories ends the program at any answer but SUCCESS and BADF.
  const nameOf = (fd: number): Buffer => Buffer.from(descriptors.preopenOf(fd) ?? refuse('BADF'))
  return {
    fd_advise(fd: number, _offset: bigint, _length: bigint, advice: number) {
      if (advice >>> 0 >= advices) refuse('INVAL')
      if (descriptors.at(fd).thing.kind !== 'file') refuse('SPIPE')
      descriptors.at(fd, 'FD_ADVISE') // advice may be left untaken
    },
    fd_close: (fd: number) => descriptors.close(fd),
    fd_renumber: (from: number, to: number) => descriptors.renumber(from, to),
    fd_fdstat_get(fd: number, result: number) {
      writeFdstat(memory.view(result, recordBytes.fdstat), descriptors.at(fd))
    },
    fd_fdstat_set_flags(fd: number, value: number) {
      const descriptor = descriptors.at(fd, 'FD_FDSTAT_SET_FLAGS')
      const flags = fdflagsOf(value)
      if (descriptor.thing.kind === 'file') openFile.append(descriptor.thing.handle, (flags & fdflag.append) !== 0)
      descriptor.flags = flags
    },
    fd_fdstat_set_rights(fd: number, base: bigint, inheriting: bigint) {
      const descriptor = descriptors.at(fd)
      const rights = { base: rightsOf(base), inheriting: rightsOf(inheriting) }
      const fewer =
        includes(descriptor.rights.base, rights.base) && includes(descriptor.rights.inheriting, rights.inheriting)
      if (!fewer || hasUnknown(base) || hasUnknown(inheriting)) refuse('NOTCAPABLE')
      descriptor.rights = rights
    },
    fd_prestat_get(fd: number, result: number) {
      const { length } = nameOf(fd)
      const view = memory.view(result, recordBytes.prestat)
      view.setUint32(0, 0, true) // a directory
      view.setUint32(4, length, true)
    },
    fd_prestat_dir_name(fd: number, pointer: number, length: number) {
      const name = nameOf(fd)
      const bytes = memory.bytes(pointer, length)
      if (bytes.length < name.length) refuse('NAMETOOLONG')
      bytes.set(name)
    },
  } satisfies Record<string, Call>
}
