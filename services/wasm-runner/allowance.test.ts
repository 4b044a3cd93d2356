import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { shareLimit } from './allowance.ts'

const limitsOf = (minimum: number, maximum = Number.POSITIVE_INFINITY) => ({ flags: 0, minimum, maximum })

/** A limit, what there is with its minimum and maximum, and the most that each may have. */
const shared: readonly (readonly [
  what: string,
  limit: number,
  all: readonly (readonly [minimum: number, maximum?: number])[],
  most: readonly number[],
])[] = [
  ['one has all of it', 256, [[17]], [256]],
  ['one keeps its own maximum', 256, [[17, 20]], [20]],
  ['two that may grow for ever share what is left', 256, [[17], [1]], [136, 120]],
  ['one more is there for the last', 100, [[0], [0], [0]], [33, 33, 34]],
  ['what one does not want the others have', 100, [[0], [10, 20], [0]], [40, 20, 40]],
  ['who wants least is asked first, wherever it is', 100, [[0, 90], [0], [0, 4]], [48, 48, 4]],
  [
    'where all have what they want, something is left',
    100,
    [
      [1, 2],
      [3, 4],
    ],
    [2, 4],
  ],
  ['where nothing is left, nothing grows', 4, [[3], [1]], [3, 1]],
  ['none is none', 100, [], []],
]

for (const [what, limit, all, most] of shared) {
  test(`of a limit for several, ${what}`, () => {
    const limits = all.map(([minimum, maximum]) => limitsOf(minimum, maximum))
    assert.deepEqual(shareLimit('pages', limit, limits), most)
  })
}

test('whatever a module wants, all of it together is within the limit, and nothing is held back', () => {
  const size = fc.nat(20_000)
  const wish = fc.record({ minimum: size, growth: fc.option(fc.oneof(size, fc.nat(2 ** 32))) })
  fc.assert(
    fc.property(fc.array(wish, { maxLength: 8 }), size, (wishes, spare) => {
      const all = wishes.map(({ minimum, growth }) => limitsOf(minimum, minimum + (growth ?? Number.POSITIVE_INFINITY)))
      const limit = spare + all.reduce((sum, { minimum }) => sum + minimum, 0)
      const most = shareLimit('pages', limit, all)
      const sum = most.reduce((total, each) => total + each, 0)
      assert.ok(sum <= limit)
      for (const [index, { minimum, maximum }] of all.entries())
        assert.ok((most[index] as number) >= minimum && (most[index] as number) <= maximum)
      assert.ok(sum === limit || all.every(({ maximum }, index) => most[index] === maximum))
    }),
  )
})

test('a module whose smallest is more than the limit is refused', () => {
  assert.throws(
    () => shareLimit('pages of memory', 4, [limitsOf(3), limitsOf(2)]),
    /asks for at least 5 pages of memory, and may have 4; build it for less/,
  )
})
