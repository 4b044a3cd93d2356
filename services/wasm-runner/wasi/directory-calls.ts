import { type FileHandle, openFile } from './beneath.ts'
import { refuse } from './errno.ts'
import { type Entry, entryBytes, readEntries } from './listing.ts'
import { prices } from './prices.ts'
import type { Call, World } from './world.ts'

/**
 * Largest buffer for a listing, bytes; INVAL for more. A buffer that is not filled says that the directory ends there, so
 * this, and not less, is listed at once: up to 2600 names. Languages' libraries begin with 1 to 8 KiB.
 */
export const listingBytesMax = 65_536

/** For entries in the system's form. One takes 280 bytes at most. */
const systemBytes = 4096

/** The largest place in a directory that the system knows. */
const cookieMax = 2n ** 63n - 1n

/** Fills `buffer` with entries from a place on, the last one cut where the buffer ends; returns the bytes that are used. */
function fill(buffer: Uint8Array, entriesFrom: (cookie: bigint) => Iterable<Entry>, from: bigint): number {
  let used = 0
  let cookie = from
  for (;;) {
    let found = false
    for (const entry of entriesFrom(cookie)) {
      found = true
      const bytes = entryBytes(entry).subarray(0, buffer.length - used)
      buffer.set(bytes, used)
      used += bytes.length
      if (used === buffer.length) return used
      cookie = entry.next
    }
    if (!found) return used
  }
}

/** The functions on open directories. */
export function directoryCalls({ memory, descriptors, pay }: World) {
  let scratch: Uint8Array | undefined // most plugins list nothing

  function* entriesOf(handle: FileHandle, cookie: bigint): Generator<Entry> {
    scratch ??= new Uint8Array(systemBytes)
    const length = openFile.entries(handle, cookie, scratch)
    for (const entry of readEntries(scratch.subarray(0, length))) {
      pay(prices.entry)
      // What is above a directory that was granted has a number that is nobody's business.
      const isParent = entry.name.length === 2 && entry.name[0] === 46 && entry.name[1] === 46
      yield isParent ? { ...entry, inode: openFile.stat(handle).inode } : entry
    }
  }

  return {
    fd_readdir(fd: number, pointer: number, length: number, cookie: bigint, result: number) {
      const { thing } = descriptors.directory(fd, 'FD_READDIR')
      const size = memory.view(result, 4)
      const buffer = memory.bytes(pointer, length)
      const from = BigInt.asUintN(64, cookie)
      if (buffer.length > listingBytesMax || from > cookieMax) refuse('INVAL')
      const used = buffer.length === 0 ? 0 : fill(buffer, (place) => entriesOf(thing.handle, place), from)
      size.setUint32(0, used, true)
    },
  } satisfies Record<string, Call>
}
