import type { HttpAnswer } from '../../network/answer.ts'
import type { Header } from '../../network/http-ask.ts'

/** What one load of a plugin may reach. */
export interface NetworkGrant {
  /** As its manifest lists them; none: it has no network. */
  readonly hosts: readonly string[]
  /** One word, which the desk writes: 1 while what is asked for would be carried. */
  readonly room: SharedArrayBuffer
  /** Its manifest asks for the network: that it was not granted is not its doing. Absent: no. */
  readonly isRequested?: boolean
}

/** Of a process that nobody carries anything for. */
export const noRoom = new SharedArrayBuffer(4)

/** What a plugin asks for, from the thread that it runs on. */
export type NetworkWord =
  | {
      readonly kind: 'ask'
      /** Names the request on this thread. */
      readonly number: number
      readonly method: string
      readonly url: string
      readonly headers: readonly Header[]
      readonly body: Uint8Array
    }
  /** Nobody waits for the answer any more. */
  | { readonly kind: 'withdraw'; readonly number: number }
  | { readonly kind: 'datagram'; readonly to: string; readonly payload: Uint8Array }

/** What became of a request, to the thread that asked. */
export interface NetworkNews {
  readonly number: number
  readonly answer: HttpAnswer
}
