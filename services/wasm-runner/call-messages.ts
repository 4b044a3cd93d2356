import type { FailureCode } from '../../rpc/failure.ts'
import type { IdWords } from './call-record.ts'
import type { PluginCode } from './compile.ts'
import type { GuestLogLevel } from './guest-log.ts'
import type { ActionRequest } from './midimon-action.ts'
import type { NetworkGrant, NetworkNews, NetworkWord } from './network-words.ts'
import type { SelfDescription } from './self-description.ts'
import type { Violation } from './violation.ts'
import type { Preopen } from './wasi/grants.ts'
import type { ZenithRequest } from './zenith.ts'

/** A plugin that runs when somebody asks. */
export interface CallTarget {
  /** Names this load of the plugin; a new number for each. */
  readonly ticket: number
  /** Of its id, for the call record. */
  readonly idWords: IdWords
  readonly code: PluginCode
  /** Instructions of one call, and of the beginning of an instance. */
  readonly fuel: number
  /** Its instance stays from call to call. One of Zenith's always does: it is initialised once. */
  readonly stateful: boolean
  readonly network: NetworkGrant
  /** Directories that it was loaded with. */
  readonly preopens: readonly Preopen[]
  /** Those of them that it may use now. */
  readonly fileSystem: readonly Preopen[]
}

/** What a plugin is called for. */
export type CallWish =
  /** To say what it is. */
  | { readonly kind: 'describe' }
  | { readonly kind: 'action'; readonly request: ActionRequest }
  | { readonly kind: 'process'; readonly request: ZenithRequest }

/** To the thread, which does one at a time. `allowedMs`: when it is over, so is the thread. */
export type AskedOrder =
  | { readonly kind: 'call'; readonly target: CallTarget; readonly wish: CallWish; readonly allowedMs: number }
  /** Ends the plugin's instance, if there is one. `kindly`: its code may clean up. */
  | { readonly kind: 'forget'; readonly ticket: number; readonly allowedMs: number; readonly kindly: boolean }

export type CallOrder =
  | AskedOrder
  /** What became of a request, at any time; not answered. */
  | { readonly kind: 'network'; readonly news: NetworkNews }
  /** What a plugin may use from now on, in the middle of a call as well; not answered. */
  | ({ readonly kind: 'grants'; readonly ticket: number } & CallGrants)

export interface CallGrants {
  readonly hosts: readonly string[]
  readonly fileSystem: readonly Preopen[]
}

/** What a thread is started with. */
export interface CallThreadData {
  /**
   * Two words. The first changes with every CallOrder that is not answered, and when the second does: a call that waits sleeps
   * on it. The second is 1 while what is under way is to end.
   */
  readonly bell: SharedArrayBuffer
  /** Nothing is interrupted: for tests of what happens then. */
  readonly unguarded: boolean
}

/** What a call came to, with what it cost. */
export interface CallOutcome {
  /** What the plugin returned. */
  readonly code: number
  readonly output: Uint8Array<ArrayBuffer>
  /** Only when it was asked to describe itself. */
  readonly described: SelfDescription
  /** What its code did wrong: the call did not come back as it should. */
  readonly fault: Violation | undefined
  readonly fuelUsed: number
  readonly cpuNs: number
  /** What its memory had grown to, bytes; 0 when it is not known. */
  readonly memoryBytes: number
}

/** From the thread. */
export type CallReport =
  /** It waits for its first order. `guard`: see Guard.number. */
  | { readonly kind: 'warm'; readonly guard: number }
  /** A line of the plugin's that it calls. */
  | { readonly kind: 'line'; readonly level: GuestLogLevel; readonly text: string }
  /** What the plugin that it calls did and must not do. */
  | { readonly kind: 'violated'; readonly violation: Violation }
  /** What a plugin asks of the network. */
  | { readonly kind: 'network'; readonly word: NetworkWord }
  /** The end of a call; one for each. */
  | { readonly kind: 'done'; readonly outcome: CallOutcome }
  /** The end of a call that was not made. */
  | { readonly kind: 'refused'; readonly code: FailureCode; readonly detail: string }
  /** The end of a `forget`. */
  | { readonly kind: 'forgotten' }
