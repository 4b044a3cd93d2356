import { type Lane, type LaneCall, openLane } from './call-lane.ts'
import { type CallMark, openCallMark, openCallRecord } from './call-record.ts'
import { startCallWorker } from './call-worker.ts'
import { keepSpare } from './spare.ts'

/** Two: one plugin that computes for long does not keep all the others waiting. */
const laneCount = 2

/** Where plugins that are called run: each on one lane, from its first call to its end. */
export interface CallLanes extends Pick<Lane, 'call' | 'drop' | 'adjust' | 'forget'> {
  /** Ends everything. May be called twice. */
  close(): Promise<void>
}

export interface LanesOptions {
  /** The rig's shared memory directory. */
  readonly shmDir: string
  /** Nothing is interrupted: for tests of what happens then. */
  readonly unguarded?: boolean | undefined
}

/** Threads are started with the first call: most rigs have no plugin that is called. Then one more is kept warm. */
export function openCallLanes({ shmDir, unguarded }: LanesOptions): CallLanes {
  const record = openCallRecord(shmDir)
  const openMark = (): CallMark => openCallMark(shmDir, record.claim())
  const spare = keepSpare((unneeded) => startCallWorker(unneeded, unguarded))
  const lanes = Array.from({ length: laneCount }, () => ({
    lane: openLane(spare, openMark()),
    tickets: new Set<number>(),
  }))

  const emptiest = () => lanes.reduce((least, each) => (each.tickets.size < least.tickets.size ? each : least))
  const placeOf = (ticket: number) => lanes.find(({ tickets }) => tickets.has(ticket))

  return {
    call(call: LaneCall) {
      const place = placeOf(call.target.ticket) ?? emptiest()
      place.tickets.add(call.target.ticket)
      return place.lane.call(call)
    },
    async drop(target, hearing) {
      const place = placeOf(target.ticket)
      await place?.lane.drop(target, hearing)
      place?.tickets.delete(target.ticket)
    },
    adjust: (ticket, grants) => placeOf(ticket)?.lane.adjust(ticket, grants),
    async forget(target, hearing, deadlineMs) {
      const place = placeOf(target.ticket)
      await place?.lane.forget(target, hearing, deadlineMs)
      place?.tickets.delete(target.ticket)
    },
    async close() {
      await Promise.all(lanes.map(({ lane }) => lane.close()))
      await spare.close()
    },
  }
}
