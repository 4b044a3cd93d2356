import { deriveForce, firstGripG, nextGripG } from './force.ts'
import { createForceTrack } from './force-track.ts'
import { decodeGranTurismo, type GranTurismoFeel, granTurismoBytes, granTurismoRateHz } from './gran-turismo.ts'
import type { Recording, TelemetryRecord } from './record.ts'

/** The road is the same in every run. Any number does. */
const textureSeed = 2

/**
 * Share of full torque that the wheel shakes by, for 1 m/s of front suspension travel, and the most. In the recording
 * of Spa half of the packets are below 0.04 m/s and a twentieth above 0.17: 0.008 and 0.034 of full torque.
 */
const rumblePerMs = 0.2
const rumbleMost = 0.1

/** A recording of decrypted packets, end to end. The game sends no force: it is derived, with the suspension's travel on it. */
export function granTurismoRecording(bytes: Uint8Array): Recording {
  return {
    kind: 'gran-turismo',
    game: 'Gran Turismo 7',
    frameRateHz: granTurismoRateHz,
    records: () => records(bytes),
  }
}

function* records(bytes: Uint8Array): Generator<TelemetryRecord> {
  const track = createForceTrack(textureSeed)
  const count = bytes.byteLength / granTurismoBytes
  let gripG = firstGripG
  let previous: GranTurismoFeel | undefined
  for (let index = 0; index < count; index++) {
    // By multiplication, not by adding up: 16.67 ms has no exact sum.
    const atMs = (index * 1000) / granTurismoRateHz
    const decoded = decodeGranTurismo(bytes.subarray(index * granTurismoBytes, (index + 1) * granTurismoBytes))
    let force: number[]
    if (decoded.kind === 'frame') {
      gripG = nextGripG(gripG, decoded.load.lateralG, 1 / granTurismoRateHz)
      force = track.at(atMs, deriveForce(decoded.load, gripG), roughnessOf(previous, decoded))
      previous = decoded
    } else {
      force = decoded.kind === 'refused' ? track.missing(atMs) : track.at(atMs, 0)
    }
    if (index === count - 1) force.push(...track.finish())
    yield {
      atMs,
      frame: decoded.kind === 'frame' ? decoded.frame : undefined,
      force,
      dropped: decoded.kind === 'refused' ? 1 : 0,
    }
  }
}

/** From how fast the front suspension moved since the packet before; 0 where that one is missing. */
function roughnessOf(previous: GranTurismoFeel | undefined, now: GranTurismoFeel): number {
  if (previous === undefined || now.packetId - previous.packetId !== 1) return 0
  const [left, right] = now.frontSuspensionM
  const travelM = Math.max(
    Math.abs(left - previous.frontSuspensionM[0]),
    Math.abs(right - previous.frontSuspensionM[1]),
  )
  return Math.min(rumbleMost, travelM * granTurismoRateHz * rumblePerMs)
}
