import type { Descriptors } from './descriptors.ts'
import type { GuestMemory } from './guest-memory.ts'

/** What the functions of one instance act on. */
export interface World {
  readonly memory: GuestMemory
  readonly descriptors: Descriptors
  /** Takes so much of the guest's fuel. Refused when there is none left. */
  pay(units: number): void
  /** Ends the guest with this, whatever its code catches. */
  end(cause: Error): never
}

/** A function of preview 1: what it refuses, it throws; else the answer is SUCCESS. An i64 is a bigint, of either sign. */
export type Call = (...parameters: never[]) => void
