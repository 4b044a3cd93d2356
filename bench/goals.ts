import { atMost, type Goal } from './goal.ts'
import type { Figures } from './report.ts'

const lateP99RatioMax = 1.1
const lateP999AddedMaxUs = 50
const defaultP50MaxUs = 1
const futexRatioMax = 1.15
const firstFrameMaxMs = 20
const pssMaxKib = 2048
const torqueBackMaxMs = 300

/** Who the default round trip is to be ahead of. A bare spinning pair is the floor and no peer: nobody could run it. */
const peers = ['bare_futex', 'zeromq', 'iceoryx', 'grpc_js'] as const

function quotient(a: number | undefined, b: number | undefined): number | null {
  return a === undefined || b === undefined ? null : a / b
}

export function goalsOf({ lateness, round_trip, process }: Figures): readonly Goal[] {
  const ours = round_trip.openracing_default?.round_trip_us.p50
  const p50Of = (row: keyof typeof round_trip): number | undefined => round_trip[row]?.round_trip_us.p50
  return [
    ...(['idle', 'loaded'] as const).flatMap((when) => [
      atMost(`lateness.${when}: p99 / cyclictest's`, lateness[when].ratio?.p99, lateP99RatioMax),
      atMost(`lateness.${when}: p99.9 added, µs`, lateness[when].added_us?.p999, lateP999AddedMaxUs),
    ]),
    atMost('round_trip: default at p50, µs', ours, defaultP50MaxUs),
    ...peers.map((peer) => atMost(`round_trip: default / ${peer} at p50`, quotient(ours, p50Of(peer)), 1)),
    atMost(
      'round_trip: futex / bare_futex at p50',
      quotient(p50Of('openracing_futex'), p50Of('bare_futex')),
      futexRatioMax,
    ),
    atMost('process: first frame at p50, ms', process?.first_frame_ms.p50, firstFrameMaxMs),
    atMost('process: PSS at most, KiB', process?.pss_kib.max, pssMaxKib),
    atMost('process: torque back at p50, ms', process?.torque_back_ms.p50, torqueBackMaxMs),
  ]
}
