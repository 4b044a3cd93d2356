import type { InstanceNeeds } from '../instance.ts'
import { noRoom } from '../network-words.ts'
import { createThreadNetwork } from '../thread-network.ts'

/** What an instance needs beside the rest where nobody carries requests, and nobody counts what it is charged with. */
export const offline: Pick<InstanceNeeds, 'network' | 'charge'> = {
  network: { room: noRoom, thread: createThreadNetwork(), tell() {} },
  charge() {},
}
