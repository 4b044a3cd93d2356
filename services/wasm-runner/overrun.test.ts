import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createOverruns } from './overrun.ts'

const ms = (count: number): number => count * 1_000_000

test('one tick that is far too long is too much, and so are many that are a little too long', () => {
  const overruns = createOverruns()
  assert.equal(overruns.add('far', ms(51), 0), true)
  const often = Array.from({ length: 51 }, (_, tick) => overruns.add('often', ms(1), tick))
  assert.deepEqual([often[49], often[50]], [false, true])
})

test('what a plugin took is forgotten after an hour, and is nobody else’s', () => {
  const overruns = createOverruns()
  assert.equal(overruns.add('a', ms(40), 0), false)
  assert.equal(overruns.add('b', ms(40), 0), false)
  assert.equal(overruns.add('a', ms(40), 3_600_000), false)
  assert.equal(overruns.add('a', ms(40), 3_600_001), true)
})
