import { createRequire } from 'node:module'
import { RigError } from '../rpc/failure.ts'

/** What only the addon can make; closed by its own close function, or when it is lost. */
export type Handle = { readonly __handle: never }

/** The functions of native/addon, as they are. Each checks its arguments and throws a TypeError. */
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
  pluginSegmentCreate(path: string): void
  lockFile(path: string): boolean
  threadCpuNanoseconds(): bigint
}

/** Compiled by `npm ci`; `make -C native` builds it again. */
export const addon: Addon = createRequire(import.meta.url)('../native/build/openracing.node')

/** Calls the addon on a shared memory file and says what to do when the file is not what it should be. */
export function openShared<T>(path: string, open: () => T): T {
  try {
    return open()
  } catch (cause) {
    if (!(cause instanceof Error) || cause instanceof TypeError) throw cause
    const code = 'code' in cause ? String(cause.code) : ''
    if (code === 'EACCES' || code === 'EPERM') {
      throw new RigError(
        'PERMISSION_DENIED',
        `the shared memory file ${path} belongs to another user; run as that user, or remove it`,
        { cause },
      )
    }
    throw new RigError(
      'SHARED_MEMORY_INVALID',
      code === 'EPROTO'
        ? `the shared memory file ${path} was made by another version; end every process of this rig and remove it`
        : `the shared memory file ${path} cannot be opened (${cause.message})`,
      { cause },
    )
  }
}
