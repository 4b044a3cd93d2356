import { type FrameWatch, hangOf, rememberHangs, watchFrame } from './hang.ts'
import type { LoopView } from './loop-view.ts'
import type { Place } from './place.ts'
import type { Reason } from './plugin-ending.ts'
import { sightOf } from './process-sight.ts'

/** Watches that the plugins of a chain give their frames back. */
export interface PluginWatch {
  /** Ends the process of every plugin that does not. To be called every few ms. */
  look(places: readonly Place[]): void
}

export function watchPlugins(loop: LoopView): PluginWatch {
  /** By the process's number. */
  let frames = new Map<number, FrameWatch>()
  const reasonOf = rememberHangs()

  function seen(place: Place, next: Map<number, FrameWatch>): Reason | undefined {
    const where = place.seat().place()
    const tickNs = loop.tickNs() // before the frame: that frame's answer was not there in this tick
    const counts = where && loop.countsOf(where)
    if (where === undefined || counts?.instance !== where.instance) return undefined
    if (counts.state === 'corrupt')
      return {
        charged: 'protocol',
        detail:
          'it wrote an impossible counter, or an answer that nobody asked for, into the ring that it shares with the loop',
      }
    if (counts.state === 'unreadable') return { charged: undefined, detail: 'its shared memory cannot be opened' }
    if (counts.underWayNs === 0n) return undefined

    const sight = sightOf(place.seat().saved().pid)
    const still = loop.countsOf(where)?.underWayNs === counts.underWayNs
    if (sight === undefined || !still) return undefined
    const watch = watchFrame(frames.get(where.instance), { sentNs: counts.underWayNs, tickNs, ...sight })
    next.set(where.instance, watch)
    const hang = hangOf(watch)
    return hang && reasonOf(place.id, hang, counts.underWayNs)
  }

  return {
    look(places) {
      const next = new Map<number, FrameWatch>()
      for (const place of places) {
        const reason = seen(place, next)
        if (reason !== undefined) place.seat().endProcess(reason)
      }
      frames = next
    },
  }
}
