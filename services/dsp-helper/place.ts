import type { FastPlugin, FastPluginSpec } from '../../gen/proto/openracing/v1/dsp_helper.ts'
import type { PluginReport } from '../../shm/plugin-report.ts'
import type { SlotCounts } from '../../shm/rig-window.ts'
import { nobody } from '../../supervision/found-process.ts'
import {
  blameless,
  type Conduct,
  charge,
  chargeCounts,
  chargeReport,
  countUnreturned,
  type Violation,
} from './conduct.ts'
import type { ChainPlace } from './control.ts'
import { type Crowding, watchTurns } from './crowding.ts'
import { fastPluginOf } from './fast-plugin.ts'
import type { LoopView } from './loop-view.ts'
import { reportOf } from './plugin-process.ts'
import { rateOf, ticksOf } from './rate.ts'
import { type SavedSeat, type Seat, type SeatNeeds, takeSeat } from './seat.ts'
import { sameSpec } from './spec.ts'

/** What a place needs from the chain. */
export interface PlaceNeeds extends Omit<SeatNeeds, 'violated' | 'left' | 'isFed'> {
  readonly loop: LoopView
  /** ms since 1970. */
  readonly nowMs: () => number
  /** A slot for a seat that runs beside this one for a while. */
  readonly besides: (seat: SavedSeat) => SavedSeat
  /** Ends a seat once the loop has let go of its process; resolves when it is gone. */
  readonly retire: (seat: Seat) => Promise<void>
}

/** A place as it is kept for a helper that comes after us. */
export interface SavedPlace extends SavedSeat {
  readonly spec: FastPluginSpec
  readonly conduct: Conduct
  /** Names the conduct: it was blameless when this began. A 64-bit number. */
  readonly tenure: string
}

/** One plugin's place in the chain: the version that runs, and one that is to replace it. */
export interface Place {
  readonly id: string
  /** The seat that is in the chain. */
  seat(): Seat
  /** The seat that is to replace it, while there is one. */
  successor(): Seat | undefined
  /** What the loop is to be told of it; undefined while it is not ready for frames. */
  published(): ChainPlace | undefined
  /** Has it called so often from the next publication on, whichever version runs. */
  pace(rateHz: number): void
  /** Slots that are taken. */
  slots(): readonly number[]
  /** Makes it run what is asked for; resolves when that runs or has failed. What runs already goes on untouched. */
  ask(spec: FastPluginSpec): Promise<void>
  /** Charges what was counted since the last time; true when there was something. */
  tally(): boolean
  saved(): SavedPlace
  report(): FastPlugin
  /** Every seat, for who ends them. */
  leave(): readonly Seat[]
}

export function takePlace({ spec, conduct: before, tenure, ...saved }: SavedPlace, needs: PlaceNeeds): Place {
  let conduct = before
  let rateHz = rateOf(spec)
  let successor: Seat | undefined
  let refusal = ''
  let crowding: Crowding | undefined

  const left = (limit: bigint) => (instance: number, report: PluginReport) => {
    conduct = chargeReport(conduct, instance, report, limit, needs.nowMs())
  }

  const sit = (wanted: FastPluginSpec, where: SavedSeat): Seat =>
    takeSeat(wanted, where, {
      ...needs,
      isFed: (instance) => needs.loop.isFed(where.slot, instance),
      left: left(wanted.maxMemoryBytes),
      violated: (violation: Violation) => {
        conduct = countUnreturned(charge(conduct, violation, 1, needs.nowMs()), where.life, violation)
        needs.log.warn({ plugin: wanted.name, ...violation }, 'violation')
      },
    })
  let seat = sit(spec, saved)

  /** What the loop counted, where it has the seat. */
  function tallySeat({ spec, saved }: Seat): SlotCounts | undefined {
    const { slot, life, instance } = saved()
    const counts = needs.loop.countsOf({ slot, life })
    if (counts !== undefined) {
      const counters = { counts, longestNs: needs.loop.longestNs(slot), budgetUs: spec.budgetUs }
      conduct = chargeCounts(conduct, counters, needs.nowMs())
    }
    const report = reportOf(needs.shmDir, instance)
    if (report !== undefined) left(spec.maxMemoryBytes)(instance, report)
    return counts
  }

  /** Whether the loop has time for it, told when that changes. */
  function watchCrowding(counts: SlotCounts | undefined): void {
    const told = crowding?.detail
    crowding = counts && rateHz > 0 ? watchTurns(crowding, counts) : undefined
    if (crowding?.detail !== undefined && told === undefined)
      needs.log.warn({ plugin: seat.spec.name, detail: crowding.detail }, 'the chain is longer than a tick')
  }

  function drop(): void {
    if (successor !== undefined) void needs.retire(successor)
    successor = undefined
  }

  function replaceBy(next: Seat): Promise<void> {
    const old = seat
    tallySeat(old)
    seat = next
    const gone = needs.retire(old) // first, so that what is saved names its process for as long as it runs
    needs.changed() // one publication: the new instance instead of the old
    return gone
  }

  /** Waits for the successor to be ready, and lets it take over. */
  async function succeed(next: Seat): Promise<void> {
    await next.settled
    if (successor !== next) return // something else was asked for meanwhile
    if (next.place() !== undefined) {
      successor = undefined
      return replaceBy(next)
    }
    refusal = next.detail()
    needs.log.warn({ plugin: next.spec.name, detail: refusal }, 'what was asked for does not run; what ran before does')
    drop()
    needs.changed()
  }

  async function ask(wanted: FastPluginSpec): Promise<void> {
    refusal = ''
    if (sameSpec(wanted, seat.spec)) {
      drop()
      return seat.settled
    }
    if (successor !== undefined && sameSpec(wanted, successor.spec)) return successor.settled
    drop()
    const next = sit(wanted, needs.besides(seat.saved()))
    if (seat.place() === undefined) {
      void replaceBy(next) // nothing runs that would have to go on
      return next.settled
    }
    successor = next
    return succeed(next)
  }

  return {
    id: spec.id,
    seat: () => seat,
    successor: () => successor,
    published() {
      const place = seat.place()
      return place && { ...place, every: ticksOf(rateHz) }
    },
    pace(next) {
      rateHz = next
    },
    slots: () => [seat, successor].flatMap((each) => each?.saved().slot ?? []),
    ask,
    tally: () => {
      const before = conduct
      watchCrowding(tallySeat(seat))
      return conduct.charges !== before.charges || conduct.allocations !== before.allocations
    },
    saved: () => ({ ...seat.saved(), spec: { ...seat.spec, updateRateHz: rateHz }, conduct, tenure }),
    report: () => {
      const { slot, life, instance } = seat.saved()
      const counts = needs.loop.countsOf({ slot, life })
      const report = reportOf(needs.shmDir, instance)
      return fastPluginOf({
        seat,
        counts,
        cpu: counts && needs.loop.cpu(slot),
        report,
        conduct,
        tenure,
        refusal,
        crowded: crowding?.detail,
        rateHz,
      })
    },
    leave: () => {
      const all = [seat, successor].filter((each) => each !== undefined)
      successor = undefined
      return all
    },
  }
}

/** A place for a plugin that was not there before. */
export const newPlace = (spec: FastPluginSpec, slot: number, life: number): SavedPlace => ({
  spec,
  conduct: blameless,
  tenure: `${process.hrtime.bigint()}`,
  slot,
  life,
  instance: 0,
  fence: 0,
  ...nobody,
  restarts: 0,
})
