import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { flagBit } from './flag.ts'
import { decodeGranTurismo, granTurismoBytes } from './gran-turismo.ts'
import { recordedBytes, skipWithout } from './recorded-data.ts'

const floats: readonly (readonly [number, number])[] = [
  [0x3c, 6000],
  [0x44, 30],
  [0x48, 60],
  [0x4c, 40],
  [0x58, 85],
  [0x60, 70],
  [0xa4, -125],
  [0xa8, -100],
  [0xac, -100],
  [0xb0, -100],
  [0xb4, 0.4],
  [0xb8, 0.4],
  [0xbc, 0.4],
  [0xc0, 0.4],
  [0x104, 3],
  [0x108, 2],
  [0x10c, 1],
  [0x128, 0.5],
  [0x130, 9.80665],
  [0x138, -9.80665],
]

/** A packet of a car at speed; `patch` changes it. */
function packet(patch: (view: DataView) => void = () => undefined): Uint8Array {
  const view = new DataView(new ArrayBuffer(granTurismoBytes))
  for (const [index, letter] of [...'0S7G'].entries()) view.setUint8(index, letter.charCodeAt(0))
  for (const [offset, value] of floats) view.setFloat32(offset, value, true)
  view.setUint32(0x70, 120, true)
  view.setInt16(0x74, 2, true)
  view.setInt32(0x78, -1, true)
  view.setInt32(0x7c, 115_244, true)
  view.setUint16(0x8a, 9000, true)
  view.setUint16(0x8e, 0b1001, true)
  view.setUint8(0x90, 0xf3)
  view.setUint8(0x91, 255)
  view.setUint32(0x124, 3582, true)
  view.setInt32(0x15c, 1500, true)
  patch(view)
  return new Uint8Array(view.buffer)
}

function frameOf(bytes: Uint8Array) {
  const decoded = decodeGranTurismo(bytes)
  return decoded.kind === 'frame' ? decoded.frame : assert.fail(JSON.stringify(decoded))
}

const withState = (bits: number, lap: number) =>
  frameOf(packet((view) => [view.setUint16(0x8e, bits, true), view.setInt16(0x74, lap, true)]))

test('a Gran Turismo packet is read in the units and with the signs of the rig', () => {
  const frame = frameOf(packet())
  assert.deepEqual([frame.rpm, frame.maxRpm, frame.speedMs, frame.fuelFraction], [6000, 9000, 40, 0.5])
  assert.equal(frame.slipRatio?.toFixed(4), '0.2000')
  assert.deepEqual([frame.lateralG?.toFixed(4), frame.longitudinalG?.toFixed(4)], ['1.0000', '-1.0000'])
  assert.equal(frame.steeringAngle, -0.5)
  assert.deepEqual([frame.gear, frame.numGears, frame.throttle, frame.carId], [3, 3, 1, '3582'])
  assert.deepEqual(
    [frame.lap, frame.currentLapTime, frame.bestLapTime, frame.lastLapTime],
    [1, 1.5, undefined, 115.244],
  )
  assert.equal(frame.timestampUs, 2_000_000n)
  assert.equal(frame.engineTemp, 85)
})

test('a paused, a loading and a menu Gran Turismo say so; a replay and a grid do not', () => {
  const paused = (bits: number, lap: number) => (withState(bits, lap).flags & flagBit.sessionPaused) !== 0
  assert.deepEqual([paused(0b1, 1), paused(0b11, 1), paused(0b101, 1), paused(0, -1)], [false, true, true, true])
  assert.deepEqual([paused(0, 1), paused(0b1, 0)], [false, false])
  assert.equal(withState(1 << 5, 1).flags, flagBit.engineLimiter)
  assert.equal(withState(1 << 11, 1).flags, flagBit.tractionControl)
})

test('Gran Turismo gears: 0 is reverse and 15 neutral, whatever gear is suggested', () => {
  const gear = (sent: number) => frameOf(packet((view) => view.setUint8(0x90, sent))).gear
  assert.deepEqual([gear(0xf0), gear(0x4f), gear(0x12)], [-1, 0, 2])
})

test('a car without a tank has no fuel, not an empty tank', () => {
  assert.equal(frameOf(packet((view) => view.setFloat32(0x48, 0, true))).fuelFraction, undefined)
})

test('a Gran Turismo packet of any other length, or still encrypted, is refused', () => {
  const long = new Uint8Array(400)
  long.set(packet())
  for (let length = 0; length <= long.length; length++) {
    if (length !== granTurismoBytes)
      assert.equal(decodeGranTurismo(long.subarray(0, length)).kind, 'refused', `${length}`)
  }
  assert.equal(decodeGranTurismo(packet((view) => view.setUint8(0, 0x31))).kind, 'refused')
})

test('a number that is not finite in any Gran Turismo field that the rig uses is refused', () => {
  const used = [...floats.map(([offset]) => offset), 0x64, 0x68, 0x6c, 0xc4, 0xc8, 0xf4, 0x110, 0x134]
  for (const offset of used) {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      assert.equal(
        decodeGranTurismo(packet((view) => view.setFloat32(offset, bad, true))).kind,
        'refused',
        `${offset} ${bad}`,
      )
    }
  }
})

test('whatever a Gran Turismo packet holds, nothing is thrown and nothing that is not finite enters a frame', () => {
  const noise = fc.uint8Array({ minLength: granTurismoBytes, maxLength: granTurismoBytes })
  const flips = fc.array(fc.tuple(fc.nat(granTurismoBytes - 1), fc.nat(255)), { maxLength: 20 })
  fc.assert(
    fc.property(noise, flips, fc.boolean(), (random, changes, real) => {
      const bytes = real ? packet() : random
      bytes.set(packet().subarray(0, 4))
      if (real) for (const [offset, value] of changes) bytes[offset] = value
      const decoded = decodeGranTurismo(bytes)
      if (decoded.kind !== 'frame') return
      const values = Object.values(decoded.frame).flat()
      assert.ok(values.every((value) => typeof value !== 'number' || Number.isFinite(Math.fround(value))))
    }),
    { numRuns: 2000 },
  )
})

const lap = 'telemetry/gt7_demo_368.gtz'

test('the recorded lap of Gran Turismo agrees with itself', { skip: skipWithout(lap) }, () => {
  const bytes = recordedBytes(lap)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const count = bytes.length / granTurismoBytes
  assert.equal(count, 6914)
  const finalRatios: number[] = []
  let previous: number[] | undefined
  let turnedRad = 0
  let turnedByAccelerationRad = 0
  for (let index = 0; index < count; index++) {
    const at = index * granTurismoBytes
    const frame = frameOf(bytes.subarray(at, at + granTurismoBytes))
    const spot = [4, 8, 12].map((offset) => view.getFloat32(at + offset, true))
    if (previous !== undefined) {
      const moved = Math.hypot(...spot.map((value, axis) => value - previous![axis]!))
      assert.ok(Math.abs(moved * 60 - frame.speedMs!) < 0.3, `packet ${index}`)
    }
    previous = spot
    turnedRad -= view.getFloat32(at + 0x30, true) / 60 // yaw is positive to the left
    turnedByAccelerationRad += (frame.lateralG! * 9.80665) / frame.speedMs! / 60
    const rimRadS = Math.abs(view.getFloat32(at + 0xac, true) + view.getFloat32(at + 0xb0, true)) / 2
    const ratio = view.getFloat32(at + 0x104 + 4 * (frame.gear! - 1), true)
    if (frame.clutch === 0) finalRatios.push(frame.rpm! / ((rimRadS * 30) / Math.PI) / ratio)
  }
  // Spa is driven clockwise: one full turn to the right, by the gyroscope and by the lateral acceleration.
  assert.ok(Math.abs(turnedRad - 2 * Math.PI) < 0.3, `${turnedRad}`)
  assert.ok(Math.abs(turnedByAccelerationRad - 2 * Math.PI) < 0.7, `${turnedByAccelerationRad}`)
  // Engine speed, gear ratios and wheel speeds tell one final drive.
  finalRatios.sort((a, b) => a - b)
  const [low, middle, high] = [0.05, 0.5, 0.95].map((share) => finalRatios[Math.floor(finalRatios.length * share)]!)
  assert.ok(high! - low! < 0.02 * middle!, `${low} ${middle} ${high}`)
})
