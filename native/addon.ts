import { createRequire } from 'node:module'

/** What only the addon can make; closed by its own close function, or when it is lost. */
export type Handle = { readonly __handle: never }

/**
 * The functions of native/addon, as they are. Each checks its arguments and throws a TypeError.
 *
 * A shared memory file may be cut by whoever may write it, at any time. That ends nobody: what is gone reads as zeros,
 * and what is written there goes nowhere. ringPush and ringPop throw RING_CORRUPT from then on, latestRead returns 0n as
 * if nothing was ever published, latestPublish publishes to nobody, windowCopy copies zeros. A handle does not recover:
 * close it and open the file anew. Loading the addon puts its handler of SIGBUS before the one that is there, which still
 * gets every SIGBUS but those.
 */
interface Addon {
  ringOpen(path: string, writer: boolean, slotBytes: number, slotCount: number): Handle
  ringPush(ring: Handle, slots: Uint8Array): number
  ringPop(ring: Handle, slots: Uint8Array): number
  ringClose(ring: Handle): void
  latestOpen(path: string, valueBytes: number): Handle
  latestPublish(latest: Handle, value: Uint8Array): void
  latestRead(latest: Handle, value: Uint8Array): bigint
  latestClose(latest: Handle): void
  windowOpen(path: string, bytes: number): Handle
  windowCopy(window: Handle, offset: number, target: Uint8Array): void
  windowClose(window: Handle): void
  /** The file itself, and not a copy: cut, it reads as zeros, and what is written goes nowhere. */
  wordsOpen(path: string, bytes: number): ArrayBuffer
  pluginSegmentCreate(path: string): void
  sealedCreate(name: string, bytes: Uint8Array): Handle
  sealedDescriptor(sealed: Handle): number
  sealedClose(sealed: Handle): void
  // Files beneath a directory (native/beneath.h). What the system refuses is a number here: an errno, negative, or
  // beneathOutside. Paths are UTF-8, 1 to 4095 bytes, none of them 0.
  readonly beneathOutside: number
  beneathRoot(path: string): Handle | number
  beneathOpen(directory: Handle, path: Uint8Array, flags: number): Handle | number
  beneathLook(directory: Handle, path: Uint8Array, follow: boolean): Handle | number
  beneathMakeDirectory(directory: Handle, path: Uint8Array): number
  beneathRemoveDirectory(directory: Handle, path: Uint8Array): number
  beneathUnlink(directory: Handle, path: Uint8Array): number
  beneathRename(from: Handle, fromPath: Uint8Array, to: Handle, toPath: Uint8Array): number
  beneathLink(from: Handle, fromPath: Uint8Array, to: Handle, toPath: Uint8Array): number
  beneathSymlink(directory: Handle, path: Uint8Array, target: Uint8Array): number
  fileRead(file: Handle, bytes: Uint8Array): number
  fileWrite(file: Handle, bytes: Uint8Array): number
  fileReadAt(file: Handle, bytes: Uint8Array, offset: number): number
  fileWriteAt(file: Handle, bytes: Uint8Array, offset: number): number
  fileSeek(file: Handle, delta: number, whence: number): number
  fileStat(file: Handle, record: Uint8Array): number
  fileSetTimes(file: Handle, access: bigint, modification: bigint): number
  fileReadLink(file: Handle, bytes: Uint8Array): number
  fileResize(file: Handle, size: number): number
  fileAllocate(file: Handle, offset: number, length: number): number
  fileFlush(file: Handle): number
  fileAppend(file: Handle, append: boolean): number
  directoryEntries(directory: Handle, cookie: bigint, bytes: Uint8Array): number
  fileClose(file: Handle): void
  // The guard of the calling thread (native/guard.h). guardOpen() returns GuardWords, the same each time; null where this
  // Node, or this system, has no guard.
  guardOpen(): ArrayBuffer | null
  guardRun<T>(call: () => T): T
  guardYield(): void
  /** What guardCut() knows this thread's guard by; 0 where it has none. */
  guardNumber(): number
  /** Of any thread: each call of that guard is interrupted as soon as it is seen, until this is said again with 0. */
  guardCut(number: number, cut: 0 | 1): void
  lockFile(path: string): boolean
  /** User id of who connected the Unix socket with this descriptor. */
  peerUser(fd: number): number
  /** One datagram to a Unix socket; a path that begins with @ is of the abstract kind. */
  datagram(path: string, bytes: Uint8Array): void
  realtimeNanoseconds(): bigint
  threadCpuNanoseconds(): bigint
  processCpuNanoseconds(pid: number): bigint | null
}

/** Compiled by `npm ci`; `make -C native` builds it again. */
export const addon: Addon = createRequire(import.meta.url)('./build/openracing.node')
