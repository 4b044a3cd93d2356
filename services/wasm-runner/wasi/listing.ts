import { filetypeOfMode, recordBytes } from './records.ts'

/** One name in a directory. */
export interface Entry {
  /** Where the one after it is. */
  readonly next: bigint
  readonly inode: bigint
  readonly filetype: number
  readonly name: Uint8Array
}

/** Offsets in the system's linux_dirent64, getdents64(2). */
const systemEntry = { inode: 0, next: 8, bytes: 16, type: 18, name: 19 } as const

/** The kind of an entry is the one of a mode, shifted: IFTODT() of dirent.h. */
const filetypeOf = (type: number): number => filetypeOfMode(type << 12)

/** Reads entries in the system's form. */
export function* readEntries(bytes: Uint8Array): Generator<Entry> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let at = 0; at < bytes.length; ) {
    const end = at + view.getUint16(at + systemEntry.bytes, true)
    const name = bytes.subarray(at + systemEntry.name, end)
    yield {
      next: view.getBigUint64(at + systemEntry.next, true),
      inode: view.getBigUint64(at + systemEntry.inode, true),
      filetype: filetypeOf(view.getUint8(at + systemEntry.type)),
      name: name.subarray(0, name.indexOf(0)),
    }
    at = end
  }
}

/** One entry in the form of preview 1: a dirent, and the name behind it. */
export function entryBytes({ next, inode, filetype, name }: Entry): Uint8Array {
  const bytes = new Uint8Array(recordBytes.dirent + name.length)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(0, next, true)
  view.setBigUint64(8, inode, true)
  view.setUint32(16, name.length, true)
  view.setUint8(20, filetype)
  bytes.set(name, recordBytes.dirent)
  return bytes
}
