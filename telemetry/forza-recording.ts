import { deriveForce, firstGripG, nextGripG } from './force.ts'
import { createForceTrack } from './force-track.ts'
import { decodeForza, type ForzaFormat, forzaTimestampMs } from './forza.ts'
import { paceForza } from './forza-pace.ts'
import type { Recording, TelemetryRecord } from './record.ts'

const gameOf: { readonly [format in ForzaFormat]: string } = {
  sled: 'Forza Motorsport (sled)',
  dash: 'Forza Motorsport 7',
  horizon: 'Forza Horizon',
  motorsport: 'Forza Motorsport (2023)',
}

/** The road is the same in every run. Any number does. */
const textureSeed = 1

/** A rumble of 1 shakes the wheel by this share of its full torque. The Motorsport 7 recording peaks at 0.12: 0.048. */
const rumbleForce = 0.4

/** A recording of the datagrams of one format, at least one. The game sends no force: it is derived, with the game's rumble on it. */
export function forzaRecording(format: ForzaFormat, packets: readonly Uint8Array[]): Recording {
  const pace = paceForza(packets.map(forzaTimestampMs))
  return {
    kind: 'forza',
    game: gameOf[format],
    frameRateHz: pace.rateHz,
    records: () => records(packets, pace.atMs),
  }
}

function* records(packets: readonly Uint8Array[], times: readonly number[]): Generator<TelemetryRecord> {
  const track = createForceTrack(textureSeed)
  let gripG = firstGripG
  let previousMs = 0
  for (const [index, packet] of packets.entries()) {
    const atMs = times[index] ?? previousMs
    const decoded = decodeForza(packet)
    let force: number[]
    if (decoded.kind === 'frame') {
      gripG = nextGripG(gripG, decoded.load.lateralG, (atMs - previousMs) / 1000)
      force = track.at(atMs, deriveForce(decoded.load, gripG), decoded.rumble * rumbleForce)
    } else {
      force = decoded.kind === 'refused' ? track.missing(atMs) : track.at(atMs, 0)
    }
    if (index === packets.length - 1) force.push(...track.finish())
    yield {
      atMs,
      frame: decoded.kind === 'frame' ? decoded.frame : undefined,
      force,
      dropped: decoded.kind === 'refused' ? 1 : 0,
    }
    previousMs = atMs
  }
}
