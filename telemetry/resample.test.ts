import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createResampler } from './resample.ts'

function resample(values: readonly number[], rateHz: number): number[] {
  const resampler = createResampler(1000)
  const samples = values.flatMap((value, index) => resampler.push((index * 1000) / rateHz, value))
  return [...samples, ...resampler.finish()]
}

const force = fc.double({ min: -1, max: 1, noNaN: true })
const rate = fc.constantFrom(60, 72, 90, 250, 360, 1000)

test('the motor never sees a force outside the two values of the game around it', () => {
  fc.assert(
    fc.property(fc.array(force, { minLength: 2, maxLength: 200 }), rate, (values, rateHz) => {
      for (const [k, sample] of resample(values, rateHz).entries()) {
        const index = Math.min(values.length - 2, Math.floor((k * rateHz) / 1000 + 1e-9))
        const around = [values[index]!, values[index + 1]!, values[Math.max(0, index - 1)]!]
        const near = (k * rateHz) / 1000 - index < 1e-6 ? around : around.slice(0, 2)
        assert.ok(sample >= Math.min(...near) && sample <= Math.max(...near), `sample ${k} is ${sample}`)
      }
    }),
  )
})

test('a constant force stays exactly that force', () => {
  fc.assert(
    fc.property(force, fc.integer({ min: 1, max: 100 }), rate, (value, count, rateHz) => {
      const samples = resample(
        Array.from({ length: count }, () => value),
        rateHz,
      )
      assert.ok(samples.every((sample) => Math.abs(sample - value) <= Math.abs(value) * Number.EPSILON))
    }),
  )
})

test('a force that only rises is rebuilt as one that only rises', () => {
  fc.assert(
    fc.property(fc.array(force, { minLength: 2, maxLength: 60 }), rate, (values, rateHz) => {
      const samples = resample(
        values.toSorted((a, b) => a - b),
        rateHz,
      )
      for (let k = 1; k < samples.length; k++) assert.ok(samples[k]! >= samples[k - 1]! - 1e-12)
    }),
  )
})

test('the number of samples is that of the time that passed, whatever the rate of the game', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 4000 }), rate, (count, rateHz) => {
      const samples = resample(
        Array.from({ length: count }, (_, index) => Math.sin(index)),
        rateHz,
      )
      assert.equal(samples.length, Math.floor(((count - 1) * 1000) / rateHz + 1e-6) + 1)
    }),
    { numRuns: 50 },
  )
})

test('after an hour at 360 Hz the samples have not drifted by one', () => {
  const resampler = createResampler(1000)
  let samples = 0
  for (let index = 0; index <= 3600 * 360; index++) samples += resampler.push((index * 1000) / 360, 0).length
  assert.ok(Math.abs(samples - 3600 * 1000) <= 3, `${samples}`) // 2.8 ms of look-ahead
  assert.equal(samples + resampler.finish().length, 3600 * 1000 + 1)
})

test('a 10 Hz force sampled at 360 Hz comes back within a hundredth', () => {
  const at = (seconds: number) => Math.sin(2 * Math.PI * 10 * seconds)
  const samples = resample(
    Array.from({ length: 361 }, (_, index) => at(index / 360)),
    360,
  )
  const worst = Math.max(...samples.map((sample, k) => Math.abs(sample - at(k / 1000))))
  assert.ok(worst < 0.01, `${worst}`)
})

test('the output does not depend on what came after: pushes are certain at once', () => {
  fc.assert(
    fc.property(fc.array(force, { minLength: 4, maxLength: 50 }), (values) => {
      const whole = resample(values, 72)
      const part = createResampler(1000)
      const first = values.slice(0, -1).flatMap((value, index) => part.push((index * 1000) / 72, value))
      assert.deepEqual(first, whole.slice(0, first.length))
    }),
  )
})

test('a time that does not rise and a value that is not finite are errors of the caller', () => {
  const resampler = createResampler(1000)
  resampler.push(5, 0)
  assert.throws(() => resampler.push(5, 0), RangeError)
  assert.throws(() => resampler.push(6, Number.NaN), RangeError)
  assert.deepEqual(createResampler(1000).finish(), [])
})
