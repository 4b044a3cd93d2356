import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { flagBit } from './flag.ts'
import { decodeForza, type ForzaFormat, forzaBytes, steeringLockRad } from './forza.ts'
import { recordedBytes, skipWithout } from './recorded-data.ts'

const formats = Object.keys(forzaBytes) as ForzaFormat[]
const dashed = formats.filter((format) => format !== 'sled')
const dashAt = (format: ForzaFormat, offset: number) => offset + (format === 'horizon' ? 12 : 0)

/** A datagram of a car at speed; `patch` changes it. */
function datagram(format: ForzaFormat, patch: (view: DataView) => void = () => undefined): Uint8Array {
  const view = new DataView(new ArrayBuffer(forzaBytes[format]))
  const floats: readonly [number, number][] = [
    [8, 8000],
    [16, 6000],
    [20, 9.80665],
    [28, -19.6133],
    [40, 50],
    [84, -0.4],
    [88, 0.2],
    [96, 0.3],
    [148, 0.1],
    [164, 0.5],
  ]
  view.setInt32(0, 1, true)
  view.setUint32(4, 1234, true)
  for (const [offset, value] of floats) view.setFloat32(offset, value, true)
  view.setInt32(212, 42, true)
  if (format !== 'sled') writeDash(view, dashAt(format, 0))
  if (format === 'motorsport') view.setInt32(327, 530, true)
  patch(view)
  return new Uint8Array(view.buffer)
}

function writeDash(view: DataView, shift: number): void {
  for (const [offset, value] of [
    [244, 50],
    [256, 212],
    [260, 32],
    [276, 0.5],
    [284, 64],
    [288, 65],
    [292, 12],
  ] as const) {
    view.setFloat32(offset + shift, value, true)
  }
  view.setUint16(300 + shift, 3, true)
  for (const [offset, value] of [
    [302, 2],
    [303, 255],
    [304, 51],
    [307, 4],
  ] as const)
    view.setUint8(offset + shift, value)
  view.setInt8(308 + shift, -127)
}

function frameOf(bytes: Uint8Array) {
  const decoded = decodeForza(bytes)
  return decoded.kind === 'frame' ? decoded.frame : assert.fail(JSON.stringify(decoded))
}

test('the four formats of Forza are told apart by their size and say the same about the car', () => {
  for (const format of formats) {
    const frame = frameOf(datagram(format))
    assert.equal(frame.rpm, 6000)
    assert.equal(frame.maxRpm, 8000)
    assert.equal(frame.speedMs, 50)
    assert.equal(frame.lateralG?.toFixed(4), '1.0000')
    assert.equal(frame.longitudinalG?.toFixed(4), '-2.0000')
    assert.equal(frame.slipRatio?.toFixed(4), '0.4000')
    assert.equal(frame.carId, '42')
    assert.equal(frame.timestampUs, 1_234_000n)
    assert.equal(frame.trackId, format === 'motorsport' ? '530' : undefined)
    assert.deepEqual([frame.flags, frame.knownFlags], [0, flagBit.sessionPaused])
  }
})

test('the dash of Forza is read in the units of the rig', () => {
  for (const format of dashed) {
    const frame = frameOf(datagram(format))
    assert.deepEqual(frame.tireTemp.slice(0, 2), [100, 0])
    assert.deepEqual([frame.throttle, frame.brake, frame.clutch], [1, 0.2, 0])
    assert.deepEqual(
      [frame.fuelFraction, frame.bestLapTime, frame.lastLapTime, frame.currentLapTime],
      [0.5, 64, 65, 12],
    )
    assert.deepEqual([frame.lap, frame.position, frame.gear], [3, 2, 4])
    assert.equal(frame.steeringAngle, -steeringLockRad)
  }
})

test('what a Forza sled does not send is absent, not 0', () => {
  const frame = frameOf(datagram('sled'))
  for (const field of [
    'throttle',
    'gear',
    'fuelFraction',
    'steeringAngle',
    'lap',
    'engineTemp',
    'ffbTorqueNm',
  ] as const) {
    assert.equal(frame[field], undefined, field)
  }
  assert.deepEqual([frame.tireTemp, frame.slipAngle, frame.tirePressure], [[], [], []])
})

test('Forza gears: 0 is reverse, 11 neutral, more is refused; -128 of steering is full lock', () => {
  const withGear = (gear: number) => datagram('dash', (view) => view.setUint8(307, gear))
  assert.deepEqual(
    [0, 1, 10, 11].map((gear) => frameOf(withGear(gear)).gear),
    [-1, 1, 10, 0],
  )
  assert.equal(decodeForza(withGear(12)).kind, 'refused')
  assert.equal(frameOf(datagram('dash', (view) => view.setInt8(308, -128))).steeringAngle, -steeringLockRad)
})

test('a Forza menu is no telemetry, and an IsRaceOn that is neither 0 nor 1 is refused', () => {
  assert.deepEqual(decodeForza(new Uint8Array(311)), { kind: 'not-telemetry' })
  assert.equal(decodeForza(datagram('dash', (view) => view.setInt32(0, 2, true))).kind, 'refused')
})

test('a Forza datagram cut short or too long by any number of bytes is refused', () => {
  const long = new Uint8Array(400)
  long.set(datagram('motorsport'))
  const sizes = new Set<number>(Object.values(forzaBytes))
  for (let length = 0; length <= long.length; length++) {
    if (!sizes.has(length)) assert.equal(decodeForza(long.subarray(0, length)).kind, 'refused', `${length}`)
  }
})

test('a number that is not finite in any Forza field that the rig uses is refused by name', () => {
  const used = [8, 16, 20, 24, 28, 84, 88, 92, 96, 148, 152, 164, 168, 244, 256, 260, 264, 268, 276, 284, 288, 292]
  for (const format of dashed) {
    for (const offset of used) {
      for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
        const at = offset >= 232 ? dashAt(format, offset) : offset
        const decoded = decodeForza(datagram(format, (view) => view.setFloat32(at, bad, true)))
        assert.equal(decoded.kind, 'refused', `${format} ${offset} ${bad}`)
      }
    }
  }
  assert.equal(decodeForza(datagram('sled', (view) => view.setFloat32(40, Number.NaN, true))).kind, 'refused')
})

test('whatever arrives on the Forza port, nothing is thrown and nothing that is not finite enters a frame', () => {
  const lengths = fc.constantFrom(...Object.values(forzaBytes), 0, 1, 310)
  const noise = lengths.chain((length) => fc.uint8Array({ minLength: length, maxLength: length }))
  fc.assert(
    fc.property(noise, fc.boolean(), (bytes, racing) => {
      if (racing && bytes.length >= 4) bytes.set([1, 0, 0, 0])
      const decoded = decodeForza(bytes)
      if (decoded.kind !== 'frame') return
      assert.ok(
        Object.values(decoded.frame)
          .flat()
          .every((value) => typeof value !== 'number' || Number.isFinite(Math.fround(value))),
      )
      assert.ok(decoded.rumble >= 0 && decoded.rumble <= 1)
    }),
    { numRuns: 2000 },
  )
})

const lap = 'telemetry/forza_dash_lap.bin.gz'

test('the recorded lap of Forza agrees with itself', { skip: skipWithout(lap) }, () => {
  const bytes = recordedBytes(lap)
  const packets = Array.from({ length: bytes.length / 311 }, (_, index) =>
    bytes.subarray(index * 311, (index + 1) * 311),
  )
  const decoded = packets.map(decodeForza)
  assert.equal(decoded.length, 5637)
  assert.deepEqual(Map.groupBy(decoded, ({ kind }) => kind).get('not-telemetry')?.length, 206)
  const driven = packets.filter((_, index) => decoded[index]?.kind === 'frame')
  assert.equal(driven.length, 5431)

  const view = (packet: Uint8Array) => new DataView(packet.buffer, packet.byteOffset, packet.byteLength)
  const spot = (packet: Uint8Array) => [0, 4, 8].map((offset) => view(packet).getFloat32(232 + offset, true))
  let worstMs = 0
  for (let index = 72; index < driven.length; index += 36) {
    // A second of the way that the car covered, against the speed that was said.
    const second = driven.slice(index - 72, index + 1)
    const spanS = view(second.at(-1)!).getFloat32(296, true) - view(second[0]!).getFloat32(296, true)
    let metres = 0
    for (let step = 1; step < second.length; step++) {
      const [from, to] = [spot(second[step - 1]!), spot(second[step]!)]
      metres += Math.hypot(...to.map((value, axis) => value - from[axis]!))
    }
    const mean = second.slice(1).reduce((sum, packet) => sum + frameOf(packet).speedMs!, 0) / 72
    worstMs = Math.max(worstMs, Math.abs(metres / spanS - mean))
  }
  assert.ok(worstMs < 1.5, `${worstMs} m/s`)
  assert.ok(Math.abs(Math.max(...driven.map((packet) => frameOf(packet).rpm!)) - 8625.83) < 0.01)
})
