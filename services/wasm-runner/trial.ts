import type { Latest } from '../../shm/latest.ts'
import { wordsOfId } from './call-record.ts'
import type { PluginCode } from './compile.ts'
import { createForcePipeline } from './force-pipeline.ts'
import { grantedOperations } from './granted-operations.ts'
import type { Guard } from './guard.ts'
import { GuestFault } from './guest-fault.ts'
import type { GuestLogLevel } from './guest-log.ts'
import { type Instance, instantiate } from './instance.ts'
import type { TickEntry } from './ledger.ts'
import { createPostOffice } from './mailbox.ts'
import { noRoom } from './network-words.ts'
import type { PluginSpec } from './plugin-spec.ts'
import { firstTerms } from './plugin-terms.ts'
import { createTicks } from './plugin-tick.ts'
import { createThreadNetwork } from './thread-network.ts'
import type { Violation } from './violation.ts'

/** What one tick came to. */
export interface TrialTick extends Pick<TickEntry, 'cpuNs' | 'fuel' | 'failed' | 'overBudget'> {
  /** From 1. */
  readonly tick: number
  /** The force scalar that the rig would have; undefined for a plugin that has no say in it. */
  readonly scalar: number | undefined
  /** The scalar as the plugin left it, before it was clamped. */
  readonly rawScalar: number
  /** The LED frame that the rim would show, 208 bytes; undefined when none was drawn. */
  readonly leds: Uint8Array | undefined
}

export interface TrialLine {
  /** 0 while it is loaded. */
  readonly tick: number
  readonly level: GuestLogLevel
  readonly line: string
}

/** What became of a plugin. */
export interface Trial {
  readonly loadCpuNs: number
  /** Units; undefined when it was not loaded. */
  readonly loadFuel: number | undefined
  readonly ticks: readonly TrialTick[]
  /** How it was lost, and in which tick; 0 while it was loaded, and the last when it was shut down. */
  readonly lost: (Violation & { readonly tick: number }) | undefined
  /** What it did that it must not do, and ran on. */
  readonly charged: readonly (Violation & { readonly tick: number })[]
  readonly memoryBytes: number
  readonly customData: ReadonlyMap<string, string>
  readonly log: readonly TrialLine[]
}

export interface TrialNeeds {
  readonly unitsPerUs: number
  /** LEDs of the rim, 1..64. */
  readonly ledCount: number
  /** CPU time of this thread, ns. */
  cpuNs(): number
  /** Of this thread. */
  readonly guard: Guard
}

/** A cell as those of shared memory are, of this process alone. */
function cell(): Latest & { taken(): Uint8Array | undefined } {
  let newest: Uint8Array | undefined
  let number = 0n
  let taken = 0n
  return {
    publish(value) {
      newest = value.slice()
      number++
    },
    read(value) {
      if (newest !== undefined) value.set(newest)
      return number
    },
    /** What was published since the last time this was asked. */
    taken() {
      const fresh = number === taken ? undefined : newest
      taken = number
      return fresh
    },
    close() {},
  }
}

/** What a call of a guest's was at fault for; undefined when it was not. */
function faultIn(call: () => void): Violation | undefined {
  try {
    call()
    return undefined
  } catch (cause) {
    if (cause instanceof GuestFault) return cause.violation
    throw cause
  }
}

/**
 * Runs a plugin by itself, a frame of 256 bytes a tick, as an executor would, but for the waiting: its clock goes by the
 * frames, at its own rate. It ends with the frames, or with the plugin.
 */
export function tryPlugin(code: PluginCode, spec: PluginSpec, frames: Iterable<Uint8Array>, needs: TrialNeeds): Trial {
  const mail = createPostOffice()
  if (spec.capabilities.includes('InterPluginComm')) mail.open(spec.id)
  const [telemetry, leds, scalar] = [cell(), cell(), cell()]
  const log: TrialLine[] = []
  const charged: (Violation & { readonly tick: number })[] = []
  const ticks: TrialTick[] = []
  const now = (): number => (ticks.length * 1000) / spec.rateHz
  let entry: TickEntry | undefined
  let instance: Instance | undefined
  let lost: Trial['lost']

  const began = needs.cpuNs()
  const refusal = faultIn(() => {
    instance = instantiate(code, spec, {
      unitsPerUs: needs.unitsPerUs,
      mail,
      guard: needs.guard,
      log: (level, line) => void log.push({ tick: ticks.length, level, line }),
      now,
      network: { room: noRoom, thread: createThreadNetwork(), tell() {} },
      charge: (violation) => void charged.push({ ...violation, tick: ticks.length }),
    })
  })
  const loadCpuNs = needs.cpuNs() - began
  if (instance === undefined) {
    lost = refusal && { ...refusal, tick: 0 }
    return { loadCpuNs, loadFuel: undefined, ticks, lost, charged, memoryBytes: 0, customData: new Map(), log }
  }
  const loadFuel = instance.fuelUsed()
  const { unitsPerUs } = needs
  const runs = grantedOperations(spec)
  const seat = {
    ticket: 1,
    spec,
    terms: firstTerms(spec),
    idWords: wordsOfId(spec.id),
    instance,
    runs,
    beat: undefined,
    tick: 0,
    unitsPerUs,
  }
  const pipeline = createForcePipeline()
  pipeline.arrange(runs.force ? [seat.ticket] : [])
  const { refresh, tick } = createTicks(
    {
      slots: { telemetry, leds, scalar, suspects: undefined },
      ledCount: needs.ledCount,
      pulse: { begin() {}, end() {} },
      unitsPerUs,
      record: (counted) => {
        entry = counted
      },
      guard: needs.guard,
      monotonicNs: () => BigInt(Math.round(now() * 1e6)),
      cpuNs: needs.cpuNs,
    },
    pipeline,
  )
  for (const frame of runs.telemetry || runs.leds ? frames : []) {
    telemetry.publish(frame)
    refresh()
    const fault = tick(seat, 0, 0)
    if (fault !== undefined) {
      lost = { ...fault, tick: ticks.length + 1 }
      break
    }
    const { cpuNs, fuel, failed, overBudget } = entry!
    const answer = scalar.taken()
    const ffbScalar = answer && new DataView(answer.buffer, answer.byteOffset).getFloat32(8, true)
    const counted = {
      cpuNs,
      fuel,
      failed,
      overBudget,
      scalar: ffbScalar,
      rawScalar: instance.scalar(),
      leds: leds.taken(),
    }
    ticks.push({ tick: ticks.length + 1, ...counted })
  }
  const memoryBytes = instance.memoryBytes()
  if (lost === undefined) {
    const fault = faultIn(() => instance?.shutdown())
    lost = fault && { ...fault, tick: ticks.length }
  }
  return { loadCpuNs, loadFuel, ticks, lost, charged, memoryBytes, customData: instance.customData, log }
}
