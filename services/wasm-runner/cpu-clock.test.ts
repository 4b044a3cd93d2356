import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createCpuClock } from './cpu-clock.ts'

/** A thread that the test runs, and that others take the core from. */
function thread() {
  let [wallNs, usedNs, asked] = [0, 0, 0]
  const exactNs = (): bigint => {
    asked++
    return BigInt(usedNs)
  }
  return {
    clock: createCpuClock({ exactNs, nowMs: () => wallNs / 1e6 }),
    run(ns: number) {
      wallNs += ns
      usedNs += ns
    },
    wait(ns: number) {
      wallNs += ns
    },
    asked: () => asked,
  }
}

test('the kernel is not asked for every short tick', () => {
  const { clock, run, asked } = thread()
  for (let tick = 0; tick < 1000; tick++) {
    const before = clock()
    run(1000)
    assert.ok(Math.abs(clock() - before - 1000) < 1)
  }
  assert.ok(asked() <= 21, `${asked()} times`)
})

test('what a thread waited for in the middle of a tick is not charged', () => {
  const { clock, run, wait } = thread()
  const before = clock()
  run(100_000)
  wait(5_000_000)
  assert.equal(clock() - before, 100_000)
})

test('no tick is charged with more than its CPU time, but for 50 µs, and none of a long one is forgiven, but for 50 µs', () => {
  const step = fc.record({ runNs: fc.nat(3_000_000), waitNs: fc.nat(3_000_000), between: fc.nat(100_000) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
      const { clock, run, wait } = thread()
      return steps.every(({ runNs, waitNs, between }) => {
        wait(between)
        const before = clock()
        run(runNs)
        wait(waitNs)
        return Math.abs(clock() - before - runNs) <= 50_001
      })
    }),
  )
})
