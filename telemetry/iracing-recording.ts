import type { Decoded } from './decoded.ts'
import { deriveForce, firstGripG, nextGripG } from './force.ts'
import { createForceTrack } from './force-track.ts'
import type { IbtFile } from './ibt-file.ts'
import { type IracingFeel, type IracingTelemetry, readIracing } from './iracing.ts'
import type { Recording, TelemetryRecord } from './record.ts'

/** A telemetry file. Its own torque is the force; a file without torque, or without the torque that is full force, gets a derived one. */
export function iracingRecording(file: IbtFile): Recording {
  const telemetry = readIracing(file)
  const { carId, trackId } = telemetry.session
  const what = [carId, trackId].filter((name) => name !== undefined).join(', ')
  return {
    kind: 'iracing',
    game: what === '' ? 'iRacing' : `iRacing (${what})`,
    frameRateHz: telemetry.tickRateHz,
    records: () => records(telemetry),
  }
}

function* records(telemetry: IracingTelemetry): Generator<TelemetryRecord> {
  const track = createForceTrack(0)
  const { recordCount, tickRateHz } = telemetry
  const count = Math.max(1, telemetry.torqueCount)
  let gripG = firstGripG
  for (let record = 0; record < recordCount; record++) {
    const decoded = telemetry.decode(record)
    if (decoded.kind === 'frame') gripG = nextGripG(gripG, decoded.load.lateralG, 1 / tickRateHz)
    const values = forcesOf(decoded, count, gripG)
    const force: number[] = []
    for (let index = 0; index < count; index++) {
      // The last sample of a record is the one at its time (it equals SteeringWheelTorque), so the first is earlier.
      const atMs = ((record * count + index - count + 1) * 1000) / (tickRateHz * count)
      const value = values[index]
      force.push(...(value === undefined ? track.missing(atMs) : track.at(atMs, value)))
    }
    if (record === recordCount - 1) force.push(...track.finish())
    yield {
      atMs: (record * 1000) / tickRateHz,
      frame: decoded.kind === 'frame' ? decoded.frame : undefined,
      force,
      dropped: decoded.kind === 'refused' ? 1 : 0,
    }
  }
}

/** `count` forces of a record, right positive; empty for a refused one. */
function forcesOf(decoded: Decoded<IracingFeel>, count: number, gripG: number): readonly number[] {
  if (decoded.kind === 'refused') return []
  if (decoded.kind === 'not-telemetry') return Array.from({ length: count }, () => 0)
  const { torqueNm, maxForceNm, load } = decoded
  if (maxForceNm === undefined || torqueNm.length === 0) {
    const derived = deriveForce(load, gripG)
    return Array.from({ length: count }, () => derived)
  }
  return torqueNm.map((torque) => -torque / maxForceNm)
}
