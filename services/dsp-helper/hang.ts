import type { Reason } from './plugin-ending.ts'

/** A call that has not come back after this long is looked into, ns: ten ticks. */
const overdueNs = 10_000_000n
/** CPU time on one frame that no load of the machine explains, ns: 25 times the largest budget that there is. */
const hangCpuNs = 5_000_000n
/**
 * How long a process may compute for one frame, ns. By then it was ended from within, unless it hid from its own timer, or
 * did not run at all: a virtual machine counts the time for which its core was taken away as that of who had the core.
 */
const endlessNs = 15_000_000n
/** A process is taken for one that hides, and not for one whose core was taken away, when it does so twice in this time, ns. */
const againWithinNs = 60_000_000_000n
/** Whatever the reason, nothing is waited for longer than this, ns. */
const patienceNs = 500_000_000n

/** A plugin's process, seen while a frame is with it. All times of CLOCK_MONOTONIC. */
export interface Sighting {
  /** When the loop sent it the frame. */
  readonly sentNs: bigint
  /** The newest tick; the answer was not there in that tick. */
  readonly tickNs: bigint
  /** CPU time of the process so far. */
  readonly cpuNs: bigint
  /** It waits for something that it asked for, and for nothing that the machine owes it. */
  readonly asleep: boolean
}

/** One frame that stays with a process, as it was seen again and again. */
export interface FrameWatch {
  readonly first: Sighting
  readonly before: Sighting
  readonly newest: Sighting
}

export interface Hang {
  /** Undefined where it is not the plugin's doing, but the machine's; `again`: it is, when it was so a short while ago. */
  readonly charged: 'timeout' | 'again' | undefined
  /** A clause: how long, and what it did meanwhile. */
  readonly detail: string
}

/** Adds a sighting to those of the same frame; those of an earlier one are forgotten. */
export function watchFrame(watch: FrameWatch | undefined, newest: Sighting): FrameWatch {
  if (watch === undefined || watch.first.sentNs !== newest.sentNs) return { first: newest, before: newest, newest }
  return { first: watch.first, before: watch.newest, newest }
}

const ms = (ns: bigint): string => `${ns / 1_000_000n} ms`
const heldNs = ({ sentNs, tickNs }: Sighting): bigint => tickNs - sentNs

/**
 * Why the process should be ended, or undefined. A process that gets no processor is let be. Nothing is concluded from
 * one sighting: where the whole machine stood still the answer may be there, and the loop be about to take it.
 */
export function hangOf({ first, before, newest }: FrameWatch): Hang | undefined {
  const held = heldNs(newest)
  if (held <= overdueNs || newest.tickNs <= before.tickNs) return undefined
  const usedNs = newest.cpuNs - first.cpuNs
  const lasted = `process() did not return within ${ms(held)}`
  if (usedNs >= hangCpuNs && held > endlessNs)
    return { charged: 'again', detail: `${lasted} and used at least ${ms(usedNs)} of CPU time` }
  // It has had the frame for a whole tick and more, so it was not about to be woken.
  const blocked = newest.asleep && before.asleep && heldNs(before) > 0n
  if (blocked) return { charged: 'timeout', detail: `${lasted}: it blocks` }
  if (held <= patienceNs || heldNs(before) <= overdueNs) return undefined
  return { charged: undefined, detail: `${lasted}, for most of which the machine had no processor for it` }
}

/** What is no proof of a hang by itself, and is one together with another of its kind. */
export function rememberHangs(): (plugin: string, hang: Hang, nowNs: bigint) => Reason {
  const last = new Map<string, bigint>()
  return (plugin, { charged, detail }, nowNs) => {
    if (charged !== 'again') return { charged, detail }
    const before = last.get(plugin)
    last.set(plugin, nowNs)
    const proven = before !== undefined && nowNs - before < againWithinNs
    return { charged: proven ? 'timeout' : undefined, detail }
  }
}
