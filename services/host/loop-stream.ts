import { setTimeout as delay } from 'node:timers/promises'
import type { WatchLoopRequest, WatchLoopResponse } from '../../gen/proto/openracing/v1/rig.ts'
import { isTicking } from '../../shm/rig-window.ts'
import type { ChainOwners } from './chain-owners.ts'
import { intervalWithin } from './interval.ts'
import { intervalBetween, type LoopReading } from './loop-interval.ts'
import type { RigStatus } from './rig-status.ts'

export interface LoopStreamNeeds {
  readonly status: Pick<RigStatus, 'snapshot'>
  readonly owners: ChainOwners
  /** CLOCK_MONOTONIC, ns. */
  readonly nowNs: () => bigint
}

/** What the loop does, interval by interval, until `signal`. Throws REQUEST_INVALID. */
export async function* watchLoop(
  { status, owners, nowNs }: LoopStreamNeeds,
  request: WatchLoopRequest,
  signal: AbortSignal,
): AsyncGenerator<WatchLoopResponse, void, undefined> {
  const intervalMs = intervalWithin(request.intervalMs, { minimum: 10, maximum: 10_000, usual: 1000 })
  const read = (): LoopReading => {
    const bytes = status.snapshot()
    const atNs = nowNs()
    return { bytes, atNs, running: isTicking(bytes, atNs) }
  }
  let earlier = read()
  for (;;) {
    await delay(intervalMs, undefined, { signal })
    const chain = await owners.list()
    const later = read()
    yield { interval: intervalBetween(earlier, later, chain) }
    // A reader that kept us waiting loses what happened meanwhile: an interval stays one.
    const wasSlow = nowNs() - later.atNs > BigInt(intervalMs) * 1_000_000n
    earlier = wasSlow ? read() : later
  }
}
