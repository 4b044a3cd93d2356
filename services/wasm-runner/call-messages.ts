import type { FailureCode } from '../../rpc/failure.ts'
import type { PluginCode } from './compile.ts'
import type { GuestLogLevel } from './guest-log.ts'
import type { ActionRequest } from './midimon-action.ts'
import type { SelfDescription } from './self-description.ts'
import type { Violation } from './violation.ts'
import type { ZenithRequest } from './zenith.ts'

/** A plugin that runs when somebody asks. */
export interface CallTarget {
  /** Names this load of the plugin; a new number for each. */
  readonly ticket: number
  readonly code: PluginCode
  /** Instructions of one call, and of the beginning of an instance. */
  readonly fuel: number
  /** Its instance stays from call to call. One of Zenith's always does: it is initialised once. */
  readonly stateful: boolean
}

/** What a plugin is called for. */
export type CallWish =
  /** To say what it is. */
  | { readonly kind: 'describe' }
  | { readonly kind: 'action'; readonly request: ActionRequest }
  | { readonly kind: 'process'; readonly request: ZenithRequest }

/** To the thread, which does one at a time. */
export type CallOrder =
  | { readonly kind: 'call'; readonly target: CallTarget; readonly wish: CallWish }
  /** Ends the plugin's instance, if there is one. */
  | { readonly kind: 'forget'; readonly ticket: number }

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
  /** It waits for its first order. */
  | { readonly kind: 'warm' }
  /** A line of the plugin's that it calls. */
  | { readonly kind: 'line'; readonly level: GuestLogLevel; readonly text: string }
  /** The end of a call; one for each. */
  | { readonly kind: 'done'; readonly outcome: CallOutcome }
  /** The end of a call that was not made. */
  | { readonly kind: 'refused'; readonly code: FailureCode; readonly detail: string }
  /** The end of a `forget`. */
  | { readonly kind: 'forgotten' }
