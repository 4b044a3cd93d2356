import { RigError } from './failure.ts'

/** What grpc-js says of a peer on a Unix socket: such a one has no address. */
const withoutAddress = 'unknown'

/**
 * Refuses, with PERMISSION_DENIED, a caller that is not on the Unix socket, whose directory is this user's alone. On a port
 * of this machine anybody may call who can run a program here.
 */
export function needOwnSocket(peer: string, what: string): void {
  if (peer === withoutAddress) return
  throw new RigError(
    'PERMISSION_DENIED',
    `${what} over the rig's Unix socket alone, and this call came from ${peer}; run wheelctl as the rig's user, without --endpoint`,
  )
}
