import type { PluginCode } from './compile.ts'
import { instantiateEnv } from './env-instance.ts'
import type { Guard } from './guard.ts'
import type { GuestLogLevel } from './guest-log.ts'
import type { GuestNetworkNeeds } from './guest-network.ts'
import type { PostOffice } from './mailbox.ts'
import type { NetworkGrant } from './network-words.ts'
import type { PluginSpec } from './plugin-spec.ts'
import type { PluginTerms } from './plugin-terms.ts'
import { instantiateSdk } from './sdk-instance.ts'
import type { Violation } from './violation.ts'

/** What `process` is asked for. */
export const operationCode = { TelemetryProcessor: 0, LedMapper: 1 } as const
export type OperationCode = (typeof operationCode)[keyof typeof operationCode]

/** What an instance needs from the host. */
export interface InstanceNeeds {
  /** Units of fuel a µs of this machine. */
  readonly unitsPerUs: number
  readonly mail: PostOffice
  readonly guard: Guard
  log(level: GuestLogLevel, line: string): void
  /** Monotonic, ms. */
  now(): number
  readonly network: InstanceNetwork
  /** What it runs on; without them, on what it was loaded with. */
  readonly terms?: PluginTerms
  /** It called what it was not granted; at most once a second. */
  charge(violation: Violation): void
}

/** What an instance needs to ask for something of the network. */
export interface InstanceNetwork extends Pick<GuestNetworkNeeds, 'thread' | 'tell'> {
  readonly room: NetworkGrant['room']
}

/** One plugin's code with its state. Whatever throws a GuestFault is the guest's doing, and the instance of no more use. */
export interface Instance {
  /**
   * Copies a tick's telemetry (256 bytes) and LEDs (208 bytes) into the guest, and gives it the fuel of the whole tick;
   * once a tick. `scalar`, where given, takes the place of the telemetry's own force scalar. The telemetry stays the
   * caller's, and as it is until the tick is over.
   */
  prepare(telemetry: Uint8Array, leds: Uint8Array, scalar: number | undefined, fuel: number): void
  /**
   * Calls the guest: 0 unchanged, 1 changed, negative when it failed. Throws when it trapped, ran out of fuel or was interrupted; then the
   * instance is at its end, and what it has open is closed.
   */
  process(operation: OperationCode): number
  /** Units of fuel that this tick used so far; more than it was given when it ran out. */
  fuelUsed(): number
  /** The force scalar in the guest's frame. */
  scalar(): number
  /** A copy of the guest's LED frame. */
  leds(): Uint8Array
  readonly customData: ReadonlyMap<string, string>
  /** Bytes of the guest's memory, as it is now. */
  memoryBytes(): number
  /** Between ticks: it runs on these terms from the next one on, with the state that it has. */
  adjust(terms: PluginTerms): void
  /** Calls the guest's shutdown, if it has one. */
  shutdown(): void
}

/** Instantiates and initialises a plugin that ticks. Throws a GuestFault when its code does not agree. */
export const instantiate = (code: PluginCode, spec: PluginSpec, needs: InstanceNeeds): Instance =>
  code.abi === 'openracing-env-1' ? instantiateEnv(code, spec, needs) : instantiateSdk(code, spec, needs)
