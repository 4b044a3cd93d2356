import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSizes } from './small-functions.ts'

function missing(sizes: readonly (readonly [before: number, after: number])[]): number {
  const counted = createSizes()
  for (const [before, after] of sizes) counted.count(before, after)
  return counted.missing()
}

test('as many small functions are added as keep their share', () => {
  const small = [20, 30] as const
  const [grown, large] = [
    [40, 60],
    [100, 150],
  ] as const
  assert.equal(missing([small, large, large, large]), 0)
  // One in four was small: (0 + 2) / (4 + 2) is the first share that is not less.
  assert.equal(missing([grown, large, large, large]), 2)
  // More than half makes no difference to V8.
  assert.equal(missing([grown, grown]), 2)
  assert.equal(missing([small, grown, grown, large]), 2)
  assert.equal(missing([]), 0)
})
