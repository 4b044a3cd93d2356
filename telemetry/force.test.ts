import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { deriveForce, firstGripG, nextGripG } from './force.ts'

const corner = (lateralG: number, frontSlip?: number) =>
  deriveForce({ lateralG, speedMs: 40, steeringAngle: 0, frontSlip }, 1.5)

test('a corner to the right turns the wheel to the left, and the other way around', () => {
  assert.ok(corner(0.8) < 0)
  assert.equal(corner(-0.8), -corner(0.8))
  assert.equal(corner(0), 0)
})

test('the wheel loads up towards the limit and goes light at it', () => {
  const share = (u: number) => -corner(1.5 * u)
  assert.ok(share(0.3) < share(0.5) && share(0.5) < share(0.75))
  assert.ok(share(1) < share(0.8), 'lighter at the limit')
  assert.ok(share(1) > 0.5, 'the mechanical trail remains')
})

test('sliding front tyres make the wheel lighter and never heavier', () => {
  assert.ok(-corner(0.8, 1) < -corner(0.8, 0))
  assert.equal(corner(0.8, 0), corner(0.8))
  assert.ok(corner(0.8, 1) < 0)
})

test('a wheel that is turned finds back to the middle, whichever way the car goes', () => {
  const turned = (steeringAngle: number) =>
    deriveForce({ lateralG: 0, speedMs: 40, steeringAngle, frontSlip: undefined }, 1.5)
  assert.ok(turned(1) < 0 && turned(-1) > 0)
  assert.ok(Math.abs(turned(100) + 0.1) < 1e-12, 'no more than at full lock')
  assert.ok(turned(0.5) > turned(1))
})

test('the force is never above 0.85 and fades away as the car stops', () => {
  const any = fc.double({ min: -50, max: 50, noNaN: true })
  fc.assert(
    fc.property(
      any,
      fc.double({ min: 0, max: 100, noNaN: true }),
      any,
      any,
      (lateralG, speedMs, steeringAngle, frontSlip) => {
        const force = deriveForce({ lateralG, speedMs, steeringAngle, frontSlip }, 1.5)
        assert.ok(Math.abs(force) <= 0.8501, `${force}`)
      },
    ),
  )
  assert.equal(Math.abs(deriveForce({ lateralG: 1, speedMs: 0, steeringAngle: 1, frontSlip: undefined }, 1.5)), 0)
})

test('an unknown car is learnt from its corners, and a crash does not teach it', () => {
  let gripG = firstGripG
  for (let step = 0; step < 600; step++) gripG = nextGripG(gripG, 2, 1 / 60)
  assert.equal(gripG, 2.3)
  assert.ok(nextGripG(gripG, 40, 0.05) < 2.36)
  assert.equal(nextGripG(gripG, 0.1, 1), 2.3)
})
