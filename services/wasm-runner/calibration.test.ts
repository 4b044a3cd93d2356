import assert from 'node:assert/strict'
import { test } from 'node:test'
import { follow, type Sample, unitsPerUs } from './calibration.ts'

const run = (unitsPerUs: number, cpuNs = 300_000): Sample => ({ units: (unitsPerUs * cpuNs) / 1000, cpuNs })

const machines: readonly (readonly [string, readonly number[], number])[] = [
  ['runs that agree', [7000, 7000, 7000], 7000],
  ['a run that was interrupted', [7000, 1200, 7100], 7000],
  ['a run in which the clock stood still', [7000, 6900, 1e9], 7000],
  ['no run at all', [], 200],
  ['a machine that is slower than any', [3, 3, 3], 200],
  ['a clock that lies', [1e9, 1e9, 1e9], 40_000],
]

for (const [what, runs, expected] of machines) {
  test(`a machine is measured: ${what}`, () => {
    assert.equal(unitsPerUs(runs.map((each) => run(each))), expected)
  })
}

const ticks: readonly (readonly [string, current: number, tick: Sample, expected: number])[] = [
  ['a tick like the yardstick changes nothing', 7000, run(7000), 7000],
  ['a denser tick raises it by a step', 7000, run(20_000), 7875],
  ['a tick that is a little denser raises it that far', 7000, run(7100), 7100],
  ['a tick that waits for memory lowers it by a step', 14_000, run(300), 14_000 / 1.125],
  ['but never below the machine', 7100, run(300), 7000],
  ['and never above four times the machine', 27_500, run(1e6), 28_000],
  ['a short tick says nothing', 7000, run(20_000, 49_999), 7000],
]

for (const [what, current, tick, expected] of ticks) {
  test(`the pace of a plugin: ${what}`, () => {
    assert.equal(follow(current, 7000, tick), expected)
  })
}

test('a plugin of dense code has its own pace after a dozen ticks', () => {
  let pace = 7000
  for (let tick = 0; tick < 12; tick++) pace = follow(pace, 7000, run(40_000))
  assert.equal(pace, 28_000)
})
