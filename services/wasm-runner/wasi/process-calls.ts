import { randomFillSync } from 'node:crypto'
import { refuse } from './errno.ts'
import { prices } from './prices.ts'
import type { Call, World } from './world.ts'

/** Random bytes of one call; INVAL for more, as a call that comes back short is not known here. Browsers have the same bound. */
export const randomBytesMax = 65_536

/** How an instance ends when it calls proc_exit: what is thrown through its code. */
export class GuestExit extends Error {
  override readonly name = 'GuestExit'
  readonly exitCode: number

  constructor(exitCode: number) {
    super(`it ended itself with proc_exit(${exitCode})`)
    this.exitCode = exitCode
  }
}

/** Functions on the guest as a process, and randomness. There are no sockets and no signals. */
export function processCalls({ memory, descriptors, pay, end }: World) {
  const refuseSocket = (fd: number): void => {
    descriptors.at(fd)
    refuse('NOTSOCK')
  }
  return {
    proc_exit(code: number) {
      end(new GuestExit(code >>> 0))
    },
    proc_raise: () => refuse('NOTSUP'),
    sched_yield() {}, // there is nobody to yield to before the tick is over
    random_get(pointer: number, length: number) {
      const bytes = memory.bytes(pointer, length)
      if (bytes.length > randomBytesMax) refuse('INVAL')
      pay(prices.randomByte * bytes.length)
      randomFillSync(bytes)
    },
    sock_accept: refuseSocket,
    sock_recv: refuseSocket,
    sock_send: refuseSocket,
    sock_shutdown: refuseSocket,
  } satisfies Record<string, Call>
}
