import {
  chainMax,
  controlEntryBytes,
  controlEntry as entryLayout,
  rigControl as layout,
  rigControlBytes,
  rigWaitings,
} from '../../gen/layout.ts'

/** A plugin's place in the chain, as the loop is told. */
export interface ChainPlace {
  /** Where the loop counts for this plugin, 0..15. */
  readonly slot: number
  /** Changes when the slot goes to another plugin; the loop then starts its counters anew. */
  readonly life: number
  /** Names the shared memory of the plugin's process. */
  readonly instance: number
  /** CPU time of a call, µs. */
  readonly budgetUs: number
  /** Its process, which the loop lends the real-time priority. */
  readonly pid: number
  /** It is called each so many ticks: 1, 2 or 4; 0: never. */
  readonly every: number
}

/** What the loop may do to the driver's hands. native/plan.c bounds all of it once more. */
export interface Limits {
  /** 0..1. */
  readonly gain: number
  readonly maxTorqueNm: number
  readonly maxSlewNmPerS: number
  readonly simulatedWheel: boolean
  /** The operator allows more than 5 N·m. */
  readonly assent: boolean
  readonly waiting: Waiting
}

/** How the loop and a plugin's process wait for each other. */
export type Waiting = (typeof rigWaitings)[number]

/** A RigControl without the time of its publication. */
export interface Control {
  readonly stop: boolean
  readonly limits: Limits
  readonly chain: readonly ChainPlace[]
}

/** Until the host says otherwise the rig has no strength. */
export const noLimits: Limits = {
  gain: 0,
  maxTorqueNm: 0,
  maxSlewNmPerS: 0,
  simulatedWheel: false,
  assent: false,
  waiting: 'predictive',
}

const deviceNone = 0
const deviceSimulated = 1

/** The bytes of a RigControl. `leaseNs`: CLOCK_MONOTONIC of its publication. */
export function encodeControl(control: Control, leaseNs: bigint): Buffer {
  const bytes = Buffer.alloc(rigControlBytes)
  bytes.writeBigUInt64LE(leaseNs, layout.lease_ns.offset)
  bytes.writeUInt32LE(control.stop ? 1 : 0, layout.stop.offset)
  bytes.writeUInt32LE(control.limits.simulatedWheel ? deviceSimulated : deviceNone, layout.device.offset)
  bytes.writeFloatLE(control.limits.gain, layout.gain.offset)
  bytes.writeFloatLE(control.limits.maxTorqueNm, layout.max_torque_nm.offset)
  bytes.writeFloatLE(control.limits.maxSlewNmPerS, layout.max_slew_nm_per_s.offset)
  bytes.writeUInt32LE(control.limits.assent ? 1 : 0, layout.assent.offset)
  bytes.writeUInt32LE(rigWaitings.indexOf(control.limits.waiting), layout.waiting.offset)
  bytes.writeUInt32LE(control.chain.length, layout.chain_count.offset)
  for (const [index, place] of control.chain.slice(0, chainMax).entries()) {
    const at = layout.chain.offset + index * controlEntryBytes
    bytes.writeUInt32LE(place.slot, at + entryLayout.slot.offset)
    bytes.writeUInt32LE(place.life, at + entryLayout.life.offset)
    bytes.writeUInt32LE(place.instance, at + entryLayout.instance.offset)
    bytes.writeUInt32LE(place.budgetUs, at + entryLayout.budget_us.offset)
    bytes.writeUInt32LE(place.pid, at + entryLayout.pid.offset)
    bytes.writeUInt32LE(place.every, at + entryLayout.every.offset)
  }
  return bytes
}

/** The limits of a RigControl that a helper before us published. */
export function decodeLimits(bytes: Buffer): Limits {
  return {
    gain: bytes.readFloatLE(layout.gain.offset),
    maxTorqueNm: bytes.readFloatLE(layout.max_torque_nm.offset),
    maxSlewNmPerS: bytes.readFloatLE(layout.max_slew_nm_per_s.offset),
    simulatedWheel: bytes.readUInt32LE(layout.device.offset) === deviceSimulated,
    assent: bytes.readUInt32LE(layout.assent.offset) === 1,
    waiting: rigWaitings[bytes.readUInt32LE(layout.waiting.offset)] ?? 'predictive',
  }
}
