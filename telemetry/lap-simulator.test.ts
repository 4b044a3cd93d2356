import assert from 'node:assert/strict'
import { test } from 'node:test'
import { circuit } from './circuit.ts'
import { createLapProfile } from './lap-profile.ts'
import { lapSimulator, simulateLap } from './lap-simulator.ts'
import { raceCar } from './race-car.ts'

const profile = createLapProfile(circuit)
const steps = Math.floor(profile.lapS * 60)
const frames = Array.from({ length: steps }, (_, step) => simulateLap(profile, step / 60))

test('the circuit ends where it begins, in the direction in which it begins', () => {
  let [x, y, heading] = [0, 0, 0]
  for (const { lengthM, curvature } of circuit) {
    const turn = lengthM * curvature
    // The chord of the arc; a straight is its own.
    const chordM = turn === 0 ? lengthM : (2 * Math.sin(turn / 2)) / curvature
    x += chordM * Math.sin(heading + turn / 2)
    y += chordM * Math.cos(heading + turn / 2)
    heading += turn
  }
  assert.ok(Math.hypot(x, y) < 1e-6, `${x} ${y}`)
  assert.ok(Math.abs(heading - 2 * Math.PI) < 1e-9)
})

test('the simulated car turns once around in a lap and crosses the line at the speed at which it left it', () => {
  const turned = frames.reduce((sum, { speedMs, lateralG }) => sum + (lateralG! * 9.80665) / speedMs! / 60, 0)
  assert.ok(Math.abs(turned - 2 * Math.PI) < 0.05, `${turned}`)
  const metres = frames.reduce((sum, { speedMs }) => sum + speedMs! / 60, 0)
  assert.ok(Math.abs(metres - profile.lengthM) < 2, `${metres}`)
  const [end, begin] = [profile.at(profile.lapS - 1e-9), profile.at(0)]
  assert.ok(Math.abs(end.speedMs - begin.speedMs) < 1e-6 && Math.abs(end.distanceM - profile.lengthM) < 1e-3)
})

test('the simulated car stays inside the grip of its tyres and the power of its engine', () => {
  for (const { speedMs, lateralG, longitudinalG } of frames) {
    const dragG = (raceCar.dragKgPerM * speedMs! ** 2) / raceCar.massKg / 9.80665
    const tyresG = longitudinalG! + dragG
    const most = tyresG > 0 ? raceCar.tractionGripG : raceCar.brakeGripG
    const used = (lateralG! / raceCar.lateralGripG) ** 2 + (tyresG / most) ** 2
    assert.ok(used < 1.06, `${used} of the ellipse at ${speedMs} m/s`) // between two places of the profile, 1 m apart
    assert.ok(tyresG * 9.80665 * raceCar.massKg * speedMs! < raceCar.powerW * 1.02)
  }
})

test('the simulated car brakes and drives hard enough to slip, and uses its gears up to the redline', () => {
  const slipping = (under: (frame: (typeof frames)[number]) => boolean) =>
    frames.filter((frame) => under(frame) && frame.slipRatio! > 0.1).length
  assert.ok(slipping(({ brake }) => brake! > 0.5) > 30, 'braking')
  assert.ok(slipping(({ throttle }) => throttle! > 0.2) > 30, 'traction out of slow corners')
  assert.ok(frames.some(({ slipRatio }) => slipRatio! < 0.02))
  assert.deepEqual([...new Set(frames.map(({ gear }) => gear!))].toSorted(), [1, 2, 3, 4, 5, 6])
  assert.ok(frames.every(({ rpm }) => rpm! >= raceCar.idleRpm && rpm! <= raceCar.redlineRpm))
  assert.ok(Math.max(...frames.map(({ rpm }) => rpm!)) > 0.99 * raceCar.redlineRpm)
})

test('the simulator counts laps, times them and burns fuel', () => {
  const second = simulateLap(profile, profile.lapS * 1.5)
  assert.equal(second.lap, 1)
  assert.ok(Math.abs(second.currentLapTime! - profile.lapS / 2) < 1e-6)
  assert.deepEqual([second.lastLapTime, second.bestLapTime], [profile.lapS, profile.lapS])
  assert.deepEqual([frames[0]!.lap, frames[0]!.lastLapTime, frames[0]!.fuelFraction], [0, undefined, 1])
  assert.ok(second.fuelFraction! < frames.at(-1)!.fuelFraction!)
  assert.ok(simulateLap(profile, profile.lapS * 1000.3).fuelFraction! >= 0)
})

test('the simulator is a recording: 1000 samples of force a second, the same in every run', () => {
  const recording = lapSimulator({ laps: 1 })
  const runs = [1, 2].map(() => [...recording.records()])
  assert.deepEqual(runs[0], runs[1])
  const force = runs[0]!.flatMap((record) => record.force)
  assert.equal(force.length, Math.floor(runs[0]!.at(-1)!.atMs + 1e-6) + 1)
  assert.ok(force.every((sample) => Math.abs(sample) <= 1))
  assert.notDeepEqual(
    [...lapSimulator({ laps: 1, seed: 2 }).records()].flatMap((record) => record.force),
    force,
  )
})

test('the simulated force has content above 50 Hz that a low-pass filter takes away', () => {
  const force = [...lapSimulator({ laps: 1 }).records()].flatMap((record) => record.force)
  // Second-order high-pass at 50 Hz for 1000 samples a second (bilinear Butterworth).
  const k = Math.tan((Math.PI * 50) / 1000)
  const scale = 1 / (1 + Math.SQRT2 * k + k * k)
  let [x1, x2, y1, y2, power] = [0, 0, 0, 0, 0]
  for (const x of force) {
    const y = scale * (x - 2 * x1 + x2 - 2 * (k * k - 1) * y1 - (1 - Math.SQRT2 * k + k * k) * y2)
    ;[x2, x1, y2, y1] = [x1, x, y1, y]
    power += y * y
  }
  const rms = Math.sqrt(power / force.length)
  assert.ok(rms > 0.009 && rms < 0.013, `${rms}`)
})
