import { RigError } from '../rpc/failure.ts'

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
    if (code === 'EAGAIN') {
      throw new RigError(
        'RING_IN_USE',
        `another process writes into ${path}, which has room for one; end it, or let it finish`,
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
