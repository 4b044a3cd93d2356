import { chainMax } from '../../gen/layout.ts'
import type { Histogram } from '../../gen/proto/openracing/v1/statistics.ts'
import type { Home } from '../../rpc/home.ts'
import { openRigWindow, type RigWindow, type SlotCounts } from '../../shm/rig-window.ts'
import type { ChainPlace } from './control.ts'

/** A process that gets no frames ends after 5 s; one that was sent a frame in this time did not end for that, ns. */
const fedWithinNs = 4_000_000_000n

/** Numbers that are never given twice. */
export interface Numbers {
  readonly instances: number
  readonly lives: number
}

/** What the loop says about the plugins of its chain. Without a loop, nothing. */
export interface LoopView {
  /** Undefined while the loop has not taken this plugin in. */
  countsOf(place: Pick<ChainPlace, 'slot' | 'life'>): SlotCounts | undefined
  /** CPU time of the plugin's calls. */
  cpu(slot: number): Histogram | undefined
  longestNs(slot: number): bigint
  /** CLOCK_MONOTONIC of the newest tick, ns; 0 before the first. */
  tickNs(): bigint
  isFed(slot: number, instance: number): boolean
  /** The loop does not touch this process's memory, and waits for it no more. */
  hasLetGo(place: Pick<ChainPlace, 'slot' | 'life' | 'instance'>): boolean
  /** The largest numbers that it knows. A roster that is lost must not make others of what has them. */
  numbers(): Numbers
  /** May be called twice. */
  close(): void
}

export function viewLoop(home: Home): LoopView {
  let window: RigWindow | undefined
  function look<T>(at: (window: RigWindow) => T): T | undefined {
    try {
      window ??= openRigWindow(home)
    } catch {
      return undefined // wheel-rt has not made it yet
    }
    return at(window)
  }
  const slotOf = (slot: number): SlotCounts | undefined => look((it) => it.slot(slot))

  return {
    countsOf: ({ slot, life }) => {
      const found = slotOf(slot)
      return found?.life === life ? found : undefined
    },
    cpu: (slot) => look((it) => it.slotCpu(slot)),
    longestNs: (slot) => look((it) => it.slotLongestNs(slot)) ?? 0n,
    tickNs: () => look((it) => it.beatNs()) ?? 0n,
    isFed: (slot, instance) => {
      const found = slotOf(slot)
      if (found?.instance !== instance || found.underWayNs === 0n) return false
      return process.hrtime.bigint() - found.underWayNs < fedWithinNs
    },
    hasLetGo: ({ slot, life, instance }) => {
      const found = slotOf(slot)
      if (found === undefined || found.life !== life || found.instance !== instance) return true
      return found.state === 'detached' || found.state === 'unreadable'
    },
    numbers: () => {
      const slots = Array.from({ length: chainMax }, (_, slot) => slotOf(slot) ?? { instance: 0, life: 0 })
      return {
        instances: Math.max(...slots.map(({ instance }) => instance)),
        lives: Math.max(...slots.map(({ life }) => life)),
      }
    },
    close: () => {
      window?.close()
      window = undefined
    },
  }
}
