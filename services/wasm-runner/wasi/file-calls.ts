import { type FileHandle, openFile, whences } from './beneath.ts'
import { fdflag } from './descriptor-calls.ts'
import type { Descriptor } from './descriptors.ts'
import { Refusal, refuse } from './errno.ts'
import { type LineOutput, outputBytesMax } from './line-output.ts'
import { deltaOf, offsetOf, timesOf } from './numbers.ts'
import { prices } from './prices.ts'
import { recordBytes, writeFilestat } from './records.ts'
import type { Right } from './rights.ts'
import type { Call, World } from './world.ts'

/** Bytes of one read or write: 0.01 ms of copying. Who wants more asks again, as after any read that came back short. */
export const transferBytesMax = 65_536

/** Largest file that is written, bytes: every frame of more than five hours at 200 Hz. A hole can have no size at all. */
export const fileBytesMax = 1 << 30

type Vectors = readonly Uint8Array[]

/** Moves bytes, vector by vector, until one is moved in part. What went wrong after some were moved is left to the next call. */
function transfer(vectors: Vectors, move: (bytes: Uint8Array, done: number) => number): number {
  let done = 0
  for (const bytes of vectors) {
    if (bytes.length === 0) continue
    try {
      const moved = move(bytes, done)
      done += moved
      if (moved < bytes.length) break
    } catch (cause) {
      if (cause instanceof Refusal && done > 0) break
      throw cause
    }
  }
  return done
}

const lengthOf = (vectors: Vectors): number => vectors.reduce((sum, { length }) => sum + length, 0)

function checkSize(size: number): void {
  if (size > fileBytesMax) refuse('FBIG')
}

/** Checks what a file has after a write at `offset`, or at its end. */
function checkWrite(file: FileHandle, flags: number, vectors: Vectors, offset: number): void {
  const append = (flags & fdflag.append) !== 0 // then the system pays no heed to an offset
  checkSize(lengthOf(vectors) + (append ? Number(openFile.stat(file).size) : offset))
}

/** Writes at the descriptor's own place. */
function write(file: FileHandle, flags: number, vectors: Vectors): number {
  checkWrite(file, flags, vectors, openFile.seek(file, 0, 'current'))
  return transfer(vectors, (bytes) => openFile.write(file, bytes))
}

/** Functions on what is open: reading, writing, sizes and times. */
export function fileCalls({ memory, descriptors, pay }: World) {
  const stream = (fd: number, right: Right): Descriptor => {
    if (descriptors.at(fd).thing.kind === 'directory') refuse('ISDIR')
    return descriptors.at(fd, right)
  }
  /** A file: something with places in it. */
  const file = (fd: number, ...rights: readonly Right[]): FileHandle => {
    const { thing } = descriptors.at(fd)
    if (thing.kind === 'directory') return refuse('ISDIR')
    if (thing.kind !== 'file') return refuse('SPIPE')
    descriptors.at(fd, ...rights)
    return thing.handle
  }
  const flush = (fd: number, right: Right): void => {
    const { thing } = descriptors.at(fd, right)
    if (thing.kind === 'file') openFile.flush(thing.handle)
  }
  const writeLines = (output: LineOutput, vectors: Vectors): number => {
    pay(prices.outputByte * lengthOf(vectors))
    for (const bytes of vectors) output.write(bytes)
    return lengthOf(vectors)
  }
  const seek = (handle: FileHandle, delta: bigint, whence: number, result: number): void => {
    const place = memory.view(result, 8)
    const from = whences[whence >>> 0] ?? refuse('INVAL')
    place.setBigUint64(0, BigInt(openFile.seek(handle, deltaOf(delta), from)), true)
  }

  return {
    fd_read(fd: number, list: number, count: number, result: number) {
      const { thing } = stream(fd, 'FD_READ')
      const size = memory.view(result, 4)
      const vectors = memory.vectors(list, count, transferBytesMax)
      // stdin is at its end.
      const read = thing.kind === 'file' ? transfer(vectors, (bytes) => openFile.read(thing.handle, bytes)) : 0
      size.setUint32(0, read, true)
    },
    fd_pread(fd: number, list: number, count: number, offset: bigint, result: number) {
      const handle = file(fd, 'FD_READ', 'FD_SEEK')
      const size = memory.view(result, 4)
      const from = offsetOf(offset)
      const vectors = memory.vectors(list, count, transferBytesMax)
      size.setUint32(
        0,
        transfer(vectors, (bytes, done) => openFile.readAt(handle, bytes, from + done)),
        true,
      )
    },
    fd_write(fd: number, list: number, count: number, result: number) {
      const { thing, flags } = stream(fd, 'FD_WRITE')
      const size = memory.view(result, 4)
      const vectors = memory.vectors(list, count, thing.kind === 'output' ? outputBytesMax : transferBytesMax)
      if (thing.kind === 'output') size.setUint32(0, writeLines(thing.lines, vectors), true)
      else if (thing.kind === 'file') size.setUint32(0, write(thing.handle, flags, vectors), true)
    },
    fd_pwrite(fd: number, list: number, count: number, offset: bigint, result: number) {
      const handle = file(fd, 'FD_WRITE', 'FD_SEEK')
      const size = memory.view(result, 4)
      const from = offsetOf(offset)
      const vectors = memory.vectors(list, count, transferBytesMax)
      checkWrite(handle, descriptors.at(fd).flags, vectors, from)
      size.setUint32(
        0,
        transfer(vectors, (bytes, done) => openFile.writeAt(handle, bytes, from + done)),
        true,
      )
    },
    fd_seek: (fd: number, delta: bigint, whence: number, result: number) =>
      seek(file(fd, 'FD_SEEK'), delta, whence, result),
    fd_tell: (fd: number, result: number) => seek(file(fd, 'FD_TELL'), 0n, 1, result),
    fd_sync: (fd: number) => flush(fd, 'FD_SYNC'),
    fd_datasync: (fd: number) => flush(fd, 'FD_DATASYNC'),
    fd_allocate(fd: number, offset: bigint, length: bigint) {
      const handle = file(fd, 'FD_ALLOCATE')
      const [from, bytes] = [offsetOf(offset), offsetOf(length)]
      checkSize(from + bytes)
      openFile.allocate(handle, from, bytes)
    },
    fd_filestat_get(fd: number, result: number) {
      const { thing } = descriptors.at(fd, 'FD_FILESTAT_GET')
      const view = memory.view(result, recordBytes.filestat)
      writeFilestat(view, 'handle' in thing ? openFile.stat(thing.handle) : undefined)
    },
    fd_filestat_set_size(fd: number, size: bigint) {
      const handle = file(fd, 'FD_FILESTAT_SET_SIZE')
      checkSize(offsetOf(size))
      openFile.resize(handle, offsetOf(size))
    },
    fd_filestat_set_times(fd: number, access: bigint, modification: bigint, flags: number) {
      const { thing } = descriptors.at(fd, 'FD_FILESTAT_SET_TIMES')
      const times = timesOf(access, modification, flags)
      if ('handle' in thing) openFile.setTimes(thing.handle, ...times)
    },
  } satisfies Record<string, Call>
}
