import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { flagBit } from './flag.ts'
import { type IbtColumn, ibtBytes } from './ibt-bytes.ts'
import { type IbtFile, parseIbt } from './ibt-file.ts'
import { readIracing } from './iracing.ts'
import { iracingRecording } from './iracing-recording.ts'
import { recordedBytes, skipWithout } from './recorded-data.ts'

const f32 = (name: string, ...values: number[]): IbtColumn => ({ name, type: 'f32', values: [values] })
const s32 = (name: string, value: number): IbtColumn => ({ name, type: 's32', values: [[value]] })

const session = [
  'WeekendInfo:',
  ' TrackName: a track with a rather long näme',
  'DriverInfo:',
  ' DriverCarIdx: 1',
  ' DriverCarRedLine: 7200.000',
  ' DriverCarGearNumForward: 6',
  ' Drivers:',
  ' - CarIdx: 0',
  '   CarPath: pacecar',
  ' - CarIdx: 1',
  '   UserName: Somebody: {with} "odd" name',
  '   CarPath: mercedesamggt4',
  '',
].join('\n')

const car: readonly IbtColumn[] = [
  { name: 'SessionTime', type: 'f64', values: [[12.5]] },
  { name: 'IsOnTrack', type: 'bool', values: [[1]] },
  f32('RPM', 6000),
  f32('Speed', 40),
  f32('VelocityX', 40),
  f32('LatAccel', -9.80665),
  f32('LongAccel', 4.903325),
  f32('VertAccel', 9.80665),
  f32('SteeringWheelAngle', -0.5),
  f32('Throttle', -1e-9),
  f32('Brake', 1.5),
  f32('Clutch', 0.25),
  s32('Gear', -1),
  s32('Lap', 3),
  s32('PlayerCarPosition', 2),
  f32('LapBestLapTime', -1),
  f32('LapCurrentLapTime', 10),
  f32('FuelLevelPct', 0.4),
  f32('WaterTemp', 80),
  f32('LFspeed', 40),
  f32('RFspeed', 40),
  f32('LRspeed', 50),
  f32('RRspeed', 40),
  f32('LFpressure', 160),
  f32('RFpressure', 161),
  f32('LRpressure', 162),
  f32('RRpressure', 100),
  { name: 'SessionFlags', type: 'bits', values: [[0x80000008]] },
  { name: 'EngineWarnings', type: 'bits', values: [[0x30]] },
  { name: 'OnPitRoad', type: 'bool', values: [[1]] },
  f32('SteeringWheelMaxForceNm', 20),
  f32('SteeringWheelTorque', 6),
  f32('SteeringWheelTorque_ST', 1, 2, 3, 4, 5, 6),
]

function fileOf(bytes: Uint8Array): IbtFile {
  const result = parseIbt(bytes)
  return result.kind === 'ibt' ? result.file : assert.fail(result.reason)
}

/** The one record of a file of `car`, with columns replaced by name. */
function decodeWith(...columns: readonly IbtColumn[]) {
  const replaced = new Map([...car, ...columns].map((column) => [column.name, column]))
  return readIracing(fileOf(ibtBytes([...replaced.values()], session))).decode(0)
}

test('an iRacing record is read in the units and with the signs of the rig', () => {
  const decoded = decodeWith()
  assert.ok(decoded.kind === 'frame')
  const { frame, torqueNm, maxForceNm } = decoded
  assert.deepEqual([frame.timestampUs, frame.rpm, frame.maxRpm, frame.speedMs], [12_500_000n, 6000, 7200, 40])
  assert.deepEqual(
    [frame.lateralG, frame.longitudinalG, frame.verticalG].map((g) => g?.toFixed(3)),
    ['1.000', '0.500', '0.000'],
  )
  assert.deepEqual([frame.steeringAngle, frame.throttle, frame.brake, frame.clutch], [0.5, 0, 1, 0.75])
  assert.deepEqual([frame.gear, frame.lap, frame.position, frame.numGears], [-1, 2, 2, 6])
  assert.deepEqual([frame.bestLapTime, frame.lastLapTime, frame.currentLapTime], [undefined, undefined, 10])
  assert.equal(frame.slipRatio?.toFixed(4), '0.2000')
  assert.deepEqual(
    frame.tirePressure.map((psi) => psi.toFixed(2)),
    ['23.21', '23.35', '23.50', '14.50'],
  )
  assert.deepEqual(frame.tireTemp, [])
  assert.deepEqual([frame.carId, frame.trackId], ['mercedesamggt4', 'a track with a rather l'])
  assert.deepEqual([torqueNm, maxForceNm, frame.ffbTorqueNm], [[1, 2, 3, 4, 5, 6], 20, 6])
})

test('iRacing flags become those of the rig, and what the file lacks is not known', () => {
  const decoded = decodeWith()
  assert.ok(decoded.kind === 'frame')
  assert.equal(decoded.frame.flags, flagBit.yellow | flagBit.pitLimiter | flagBit.engineLimiter | flagBit.inPits)
  assert.equal(decoded.frame.knownFlags & (flagBit.absActive | flagBit.sessionPaused | flagBit.formationLap), 0)
})

test('a driver who left the car is no telemetry', () => {
  assert.deepEqual(decodeWith({ name: 'IsOnTrack', type: 'bool', values: [[0]] }), { kind: 'not-telemetry' })
})

test('a number that is not finite in any iRacing column that the rig uses is refused', () => {
  for (const column of car.filter(({ type }) => type === 'f32' || type === 'f64')) {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const values = [column.values[0]!.map((value, index) => (index === 0 ? bad : value))]
      assert.equal(decodeWith({ ...column, values }).kind, 'refused', `${column.name} ${bad}`)
    }
  }
  assert.equal(decodeWith({ name: 'SessionTime', type: 'f64', values: [[1e300]] }).kind, 'refused')
  assert.equal(decodeWith({ name: 'SessionTime', type: 'f64', values: [[-1]] }).kind, 'refused')
})

test('an integer that a file claims to be a fraction is absent', () => {
  const decoded = decodeWith(f32('Gear', 2.5), f32('Lap', Number.NaN))
  assert.ok(decoded.kind === 'frame')
  assert.deepEqual([decoded.frame.gear, decoded.frame.lap], [undefined, undefined])
})

test('the force of iRacing is its torque over its full force, with right positive', () => {
  const records = 60
  const repeat = (values: number[]) => Array.from({ length: records }, () => values)
  const bytes = ibtBytes([
    { name: 'SteeringWheelMaxForceNm', type: 'f32', values: repeat([20]) },
    { name: 'SteeringWheelTorque_ST', type: 'f32', values: repeat([5, 5, 5, 5, 5, 5]) },
  ])
  const force = [...iracingRecording(fileOf(bytes)).records()].flatMap((record) => record.force)
  assert.equal(force.length, Math.floor((records * 6 - 1) * (1000 / 360)) + 1)
  assert.ok(force.every((sample) => sample === -0.25))
})

test('an iRacing file without torque gets a force that is derived', () => {
  const bytes = ibtBytes([
    { name: 'LatAccel', type: 'f32', values: Array.from({ length: 30 }, () => [8]) },
    { name: 'Speed', type: 'f32', values: Array.from({ length: 30 }, () => [40]) },
  ])
  const force = [...iracingRecording(fileOf(bytes)).records()].flatMap((record) => record.force)
  assert.equal(force.length, Math.floor((29 * 1000) / 60 + 1e-6) + 1)
  assert.ok(
    force.every((sample) => sample > 0.3),
    'a corner to the left turns the wheel to the right',
  )
})

test('an iRacing file cut short anywhere is refused, and one that the game could not close is read', () => {
  const bytes = ibtBytes(car, session)
  for (let length = 0; length < bytes.length; length++) {
    assert.equal(parseIbt(bytes.subarray(0, length)).kind, 'refused', `${length}`)
  }
  const open = Buffer.from(bytes)
  open.writeInt32LE(0, 140)
  assert.equal(fileOf(open).recordCount, 1)
})

test('a variable with more values in a record than any game sends is refused', () => {
  const bytes = ibtBytes([f32('SteeringWheelTorque_ST', ...Array.from({ length: 1025 }, () => 0))])
  assert.equal(parseIbt(bytes).kind, 'refused')
})

test('an offset or a count of an iRacing file that points outside is refused with its name', () => {
  for (const [at, value] of [
    [16, -1],
    [20, 2 ** 30],
    [24, 0],
    [24, 2 ** 31 - 1],
    [28, -144],
    [28, 2 ** 31 - 1],
    [36, 0],
    [36, -5],
    [52, -1],
    [52, 2 ** 31 - 1],
    [140, 2],
    [140, -1],
  ] as const) {
    const bytes = Buffer.from(ibtBytes(car, session))
    bytes.writeInt32LE(value, at)
    assert.equal(parseIbt(bytes).kind, 'refused', `${value} at ${at}`)
  }
  for (const [at, value] of [
    [0, 6],
    [0, -1],
    [4, -4],
    [4, 2 ** 31 - 1],
    [8, 0],
    [8, 2 ** 31 - 1],
  ] as const) {
    const bytes = Buffer.from(ibtBytes(car, session))
    bytes.writeInt32LE(value, 144 + at)
    const result = parseIbt(bytes)
    assert.ok(result.kind === 'refused' && result.reason.includes('"SessionTime"'), `${value} at ${at}`)
  }
})

test('whatever bytes of an iRacing file are damaged, nothing is thrown and nothing that is not finite enters a frame', () => {
  const whole = ibtBytes(car, session)
  const damage = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 12 })
  const header = fc.array(fc.tuple(fc.nat(143), fc.nat(255)), { maxLength: 4 })
  fc.assert(
    fc.property(damage, header, (anywhere, early) => {
      const bytes = Buffer.from(whole)
      for (const [offset, value] of [...anywhere, ...early]) bytes[offset] = value
      const result = parseIbt(bytes)
      if (result.kind === 'refused') return
      const iracing = readIracing(result.file)
      for (let record = 0; record < Math.min(50, iracing.recordCount); record++) {
        const decoded = iracing.decode(record)
        if (decoded.kind !== 'frame') continue
        const values = [...Object.values(decoded.frame).flat(), ...decoded.torqueNm]
        assert.ok(values.every((value) => typeof value !== 'number' || Number.isFinite(Math.fround(value))))
      }
    }),
    { numRuns: 2000 },
  )
})

test('a session text made to be slow is read at once', () => {
  const text = ` TrackName:${' '.repeat(2_000_000)}x\n${' - CarIdx: 9\n'.repeat(50_000)}${'a'.repeat(1_000_000)}`
  const startMs = performance.now()
  readIracing(fileOf(ibtBytes(car, text)))
  const tookMs = performance.now() - startMs
  assert.ok(tookMs < 1000, `${tookMs} ms`) // quadratic time would take minutes
})

const drive = 'ffb/itelem_amg_spielberg.ibt.gz'

test('the recorded drive of iRacing agrees with itself', { skip: skipWithout(drive) }, () => {
  const file = fileOf(recordedBytes(drive))
  assert.deepEqual([file.variables.size, file.recordCount, file.tickRateHz], [267, 3371, 60])
  const iracing = readIracing(file)
  const torque: number[] = []
  let most = 0
  let metres = 0
  const distances: number[] = []
  for (let record = 0; record < file.recordCount; record++) {
    const decoded = iracing.decode(record)
    assert.ok(decoded.kind === 'frame')
    assert.equal(decoded.torqueNm[5], decoded.frame.ffbTorqueNm)
    assert.equal(decoded.maxForceNm?.toFixed(2), '39.35')
    torque.push(...decoded.torqueNm)
    most = Math.max(most, decoded.frame.rpm!)
    metres += decoded.frame.speedMs! / 60
    distances.push(metres)
  }
  assert.deepEqual([Math.min(...torque).toFixed(1), Math.max(...torque).toFixed(1)], ['-12.6', '28.9'])
  assert.equal(most.toFixed(2), '6914.67')
  assert.deepEqual([iracing.session.carId, iracing.session.trackId], ['mercedesamggt4', 'spielberg gp'])

  // The way by speed against the way by latitude and longitude (111.2 km a degree), a second at a time.
  const [lat, lon] = [file.variables.get('Lat')!, file.variables.get('Lon')!]
  for (let record = 60; record < file.recordCount; record++) {
    const north = (file.read(lat, record) - file.read(lat, record - 60)) * 111_200
    const east = (file.read(lon, record) - file.read(lon, record - 60)) * 111_320 * Math.cos((47.22 * Math.PI) / 180)
    const along = distances[record]! - distances[record - 60]!
    assert.ok(Math.abs(along - Math.hypot(north, east)) < 1, `record ${record}`)
  }
})

test('the rebuilt force of the recorded drive is the torque of the game, never more', {
  skip: skipWithout(drive),
}, () => {
  const file = fileOf(recordedBytes(drive))
  const force = [...iracingRecording(file).records()].flatMap((record) => record.force)
  assert.equal(force.length, Math.floor((3371 * 6 - 1) * (1000 / 360)) + 1)
  const [torque, full] = [file.variables.get('SteeringWheelTorque_ST')!, file.variables.get('SteeringWheelMaxForceNm')!]
  const sent = Array.from(
    { length: 3371 * 6 },
    (_, index) => -file.read(torque, Math.floor(index / 6), index % 6) / file.read(full, 0),
  )
  assert.ok(Math.max(...force) <= Math.max(...sent) && Math.min(...force) >= Math.min(...sent))
  // Every 25th sample falls on every 9th value: the signal passes through what the game sent.
  for (let index = 0; index * 9 < sent.length; index++) {
    assert.ok(Math.abs(force[index * 25]! - sent[index * 9]!) < 1e-6, `value ${index * 9}`)
  }
})
