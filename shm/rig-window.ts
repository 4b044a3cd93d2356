import { join } from 'node:path'
import {
  histogram as histogramLayout,
  rigStatus as layout,
  rigPlugin as pluginLayout,
  rigMagic,
  rigPluginBytes,
  rigPluginStates,
  rigStates,
  rigStatusBytes,
  rigVersion,
} from '../gen/layout.ts'
import type { Histogram } from '../gen/proto/openracing/v1/statistics.ts'
import { RigError } from '../rpc/failure.ts'
import type { Home } from '../rpc/home.ts'
import { readHistogram } from './histogram.ts'
import { openWindow } from './window.ts'

/** What the loop counted about the plugin in one slot. */
export interface SlotCounts {
  readonly life: number
  readonly instance: number
  readonly state: (typeof rigPluginStates)[number]
  /** Of the newest answer whose result was not 0, or 0. */
  readonly lastResult: number
  readonly sent: bigint
  readonly executions: bigint
  readonly failures: bigint
  readonly budgetViolations: bigint
  readonly missedDeadlines: bigint
  /** Of those, ticks that the plugins before it had used up. */
  readonly leftOut: bigint
  /** Times it computed on after its answer while a tick waited for another plugin. */
  readonly inTheWay: bigint
  readonly nonFinite: bigint
  /** When the frame that is with it was sent, CLOCK_MONOTONIC ns; 0: none is. */
  readonly underWayNs: bigint
}

/** The RigStatus of wheel-rt, read only. A reading is not one instant: each value is whole, all are at most a tick apart. */
export interface RigWindow {
  /** Process id that wheel-rt left, 0 before the first. */
  pid(): number
  state(): (typeof rigStates)[number]
  /** CLOCK_MONOTONIC of the newest tick, ns. */
  beatNs(): bigint
  /** Counters of a slot, without histograms. */
  slot(slot: number): SlotCounts
  /** CPU time of the calls of the plugin in a slot. */
  slotCpu(slot: number): Histogram
  /** The longest of these calls, ns. */
  slotLongestNs(slot: number): bigint
  /** Copies the struct from its beginning, as much of it as `target` holds; a length that is a multiple of 8. */
  copy(target: Buffer): void
  close(): void
}

const headBytes = layout.lateness.offset
const countsBytes = pluginLayout.cpu.offset

/** A loop that has not ticked for this long does not run, ns: a hundred periods. */
const silenceNs = 100_000_000n

/** Whether the loop ticks, from the beginning of its RigStatus. `nowNs`: CLOCK_MONOTONIC. */
export const isTicking = (bytes: Buffer, nowNs: bigint): boolean =>
  rigStates[bytes.readUInt32LE(layout.state.offset)] === 'running' &&
  nowNs - bytes.readBigUInt64LE(layout.beat_ns.offset) < silenceNs

function readSlot(bytes: Buffer): SlotCounts {
  return {
    life: bytes.readUInt32LE(pluginLayout.life.offset),
    instance: bytes.readUInt32LE(pluginLayout.instance.offset),
    state: rigPluginStates[bytes.readUInt32LE(pluginLayout.state.offset)] ?? 'detached',
    lastResult: bytes.readInt32LE(pluginLayout.last_result.offset),
    sent: bytes.readBigUInt64LE(pluginLayout.sent.offset),
    executions: bytes.readBigUInt64LE(pluginLayout.executions.offset),
    failures: bytes.readBigUInt64LE(pluginLayout.failures.offset),
    budgetViolations: bytes.readBigUInt64LE(pluginLayout.budget_violations.offset),
    missedDeadlines: bytes.readBigUInt64LE(pluginLayout.missed_deadlines.offset),
    leftOut: bytes.readBigUInt64LE(pluginLayout.left_out.offset),
    inTheWay: bytes.readBigUInt64LE(pluginLayout.in_the_way.offset),
    nonFinite: bytes.readBigUInt64LE(pluginLayout.non_finite.offset),
    underWayNs: bytes.readBigUInt64LE(pluginLayout.under_way_ns.offset),
  }
}

/** Opens the status of a rig's loop. SHARED_MEMORY_INVALID when there is none, or one of another version. */
export function openRigWindow(home: Home): RigWindow {
  const path = join(home.shmDir, 'rig')
  const window = openWindow(path, rigStatusBytes)
  const head = Buffer.alloc(headBytes)
  const counts = Buffer.alloc(countsBytes)
  const cpu = Buffer.alloc(pluginLayout.cpu.bytes)
  const longest = Buffer.alloc(8)
  const slotAt = (slot: number): number => layout.plugins.offset + slot * rigPluginBytes
  const readHead = (): Buffer => {
    window.copy(0, head)
    return head
  }
  readHead()
  if (head.readUInt32LE(layout.magic.offset) !== rigMagic || head.readUInt32LE(layout.version.offset) !== rigVersion) {
    window.close()
    throw new RigError(
      'SHARED_MEMORY_INVALID',
      `${path} has layout ${head.readUInt32LE(layout.version.offset)}, this version reads ${rigVersion}; end every process of this rig and remove it`,
    )
  }
  return {
    pid: () => readHead().readUInt32LE(layout.pid.offset),
    state: () => rigStates[readHead().readUInt32LE(layout.state.offset)] ?? 'ended',
    beatNs: () => readHead().readBigUInt64LE(layout.beat_ns.offset),
    slot: (slot) => {
      window.copy(slotAt(slot), counts)
      return readSlot(counts)
    },
    slotCpu: (slot) => {
      window.copy(slotAt(slot) + pluginLayout.cpu.offset, cpu)
      return readHistogram(cpu, 0)
    },
    slotLongestNs: (slot) => {
      window.copy(slotAt(slot) + pluginLayout.cpu.offset + histogramLayout.max_ns.offset, longest)
      return longest.readBigUInt64LE()
    },
    copy: (target) => window.copy(0, target),
    close: window.close,
  }
}
