import type { FailureCode } from '../../rpc/failure.ts'
import type { PluginCode } from './compile.ts'
import type { GuestLogLevel } from './guest-log.ts'
import type { NetworkNews, NetworkWord } from './network-words.ts'
import type { PluginSpec } from './plugin-spec.ts'
import type { PluginTerms } from './plugin-terms.ts'
import type { Violation } from './violation.ts'

/** A plugin that is to run. */
export interface StartOrder {
  /** Names this load of the plugin; a new number for each. */
  readonly ticket: number
  readonly spec: PluginSpec
  /** What it begins with. */
  readonly terms: PluginTerms
  readonly code: PluginCode
  /** The ticket whose place it takes once it is ready. */
  readonly replaces: number | undefined
  /** See NetworkGrant. */
  readonly room: SharedArrayBuffer
}

/** From the main thread to the executor. */
export type Order =
  /** What a thread is for; the first that it is told. */
  | { readonly kind: 'assign'; readonly role: ThreadRole }
  | ({ readonly kind: 'start' } & StartOrder)
  /** On what terms a plugin runs from its next tick on. A ticket that does not run is answered as well. */
  | { readonly kind: 'adjust'; readonly ticket: number; readonly terms: PluginTerms }
  /** Ends a plugin, in an orderly way. A ticket that does not run is answered as well. */
  | { readonly kind: 'stop'; readonly ticket: number }
  /** From now on the answers of the suspects' thread are taken over. */
  | { readonly kind: 'relay' }
  /** What became of a plugin's request. */
  | { readonly kind: 'network'; readonly news: NetworkNews }

/** From the executor to the main thread. */
export type Report =
  /** It has measured its machine, and may be assigned. `thread`: its name for run-queue.ts. `guarded`: see guard.ts. */
  | { readonly kind: 'warm'; readonly thread: string; readonly guarded: boolean }
  /** It has its role, and takes plugins. */
  | { readonly kind: 'ready' }
  /** The executor cannot work: the rig's shared memory cannot be opened. */
  | { readonly kind: 'unable'; readonly code: FailureCode; readonly detail: string }
  | { readonly kind: 'started'; readonly ticket: number }
  /** The plugin did not start. */
  | { readonly kind: 'refused'; readonly ticket: number; readonly detail: string; readonly violation: Violation }
  /** The plugin trapped, ran out of fuel or was interrupted, and is gone. */
  | { readonly kind: 'lost'; readonly ticket: number; readonly violation: Violation }
  | { readonly kind: 'stopped'; readonly ticket: number }
  /** The terms of the newest order are in force. */
  | { readonly kind: 'adjusted'; readonly ticket: number }
  /** The plugin did what it must not do, and runs on. */
  | { readonly kind: 'violated'; readonly ticket: number; readonly violation: Violation }
  /** What the plugin asks of the network. */
  | { readonly kind: 'network'; readonly ticket: number; readonly word: NetworkWord }
  | { readonly kind: 'log'; readonly ticket: number; readonly level: GuestLogLevel; readonly line: string }

/** Where a plugin runs: with those that were never caught by the watchdog, or with those that were. */
export type ThreadRole = 'common' | 'suspects'

/** What the executor's thread is given. */
export interface ExecutorData {
  readonly shmDir: string
  /** LEDs of the rim, 1..64. */
  readonly ledCount: number
  readonly pulse: SharedArrayBuffer
  /** Its place in the call record. */
  readonly place: number
  readonly ledger: SharedArrayBuffer
  /** Units of fuel a µs; undefined: what the thread measures. */
  readonly unitsPerUs: number | undefined
  readonly unguarded: boolean
}
