import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nonFiniteField, positive, share, slipRatio } from './decoded.ts'

test('a share is clamped where it is a number, and stays broken where it is none', () => {
  assert.deepEqual([-1e-9, 0.5, 1.02].map(share), [0, 0.5, 1])
  assert.ok(
    [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].every((value) => Number.isNaN(share(value))),
  )
})

test('a number that shared memory would turn into infinity is not finite', () => {
  assert.equal(nonFiniteField({ rpm: 1, wheels: [0, 1e39] }), 'wheels 1 is 1e+39')
  assert.equal(nonFiniteField({ rpm: 3e38, sequence: 1n, carId: 'x', none: undefined }), undefined)
})

test('a lap time of 0 or -1 is none, and an infinite one is not quietly none', () => {
  assert.deepEqual([0, -1, 64.3].map(positive), [undefined, undefined, 64.3])
  assert.equal(positive(Number.NEGATIVE_INFINITY), Number.NEGATIVE_INFINITY)
})

test('slip is the worst wheel, 1 for a locked one, and nothing at a standstill', () => {
  assert.equal(slipRatio([40, 40, 40, 50], 40), 0.2)
  assert.equal(slipRatio([40, 0, 40, 40], 40), 1)
  assert.equal(slipRatio([0.1, 0, 0, 0], 0.01), 0)
  assert.ok(slipRatio([0, 0, 20, 20], 0) === 1, 'a burnout from standing')
})
