import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addStatement, isBusy, type Spending } from './spending.ts'

const second = 1_000_000_000

/** What is said after `seconds` of a process that uses `share` of a core, is sent `hz` frames and tells of `told` calls a second. */
function judge(seconds: number, share: number, hz: number, told = 0): string | undefined {
  let spending: Spending | undefined
  for (let at = 0; at <= seconds * 20; at++) {
    const time = at / 20
    const now = {
      atNs: BigInt(Math.round(time * second)),
      cpuNs: BigInt(Math.round(time * share * second)),
      sent: BigInt(Math.round(time * hz)),
      told: BigInt(Math.round(time * told)),
    }
    const judgement = addStatement(spending, now, 200)
    if (judgement.detail !== undefined) return judgement.detail
    spending = judgement.spending
  }
  return undefined
}

test('a plugin that spins for its frames and answers them spends what it may', () => {
  assert.equal(judge(10, 0.2, 1000), undefined)
  assert.equal(judge(10, 0.5, 1000), undefined) // every call takes its whole budget
})

test('one that computes on between the frames that it was sent is found within a second', () => {
  assert.equal(judge(0.9, 0.95, 1000), undefined)
  assert.match(
    judge(1.1, 0.95, 1000) ?? '',
    /^its process used 475 ms of CPU time in 500 ms, for 500 frames of 200 µs, and told of no call that took longer$/,
  )
  assert.match(judge(1.1, 0.95, 200) ?? '', /for 100 frames/)
  assert.match(judge(1.1, 0.3, 0) ?? '', /for 0 frames/)
})

test('one that tells of its long calls is charged for each of them, and goes on', () => {
  assert.equal(judge(10, 0.95, 200, 200), undefined)
})

test('half a second that a machine took is not held against anybody', () => {
  const at = (ms: number, cpuMs: number) => ({
    atNs: BigInt(ms) * 1_000_000n,
    cpuNs: BigInt(cpuMs) * 1_000_000n,
    sent: BigInt(ms),
    told: 0n,
  })
  let spending = addStatement(undefined, at(0, 0), 200).spending
  for (const [ms, cpuMs] of [
    [500, 490],
    [1000, 550],
    [1500, 1040],
    [2000, 1100],
  ] as const) {
    const judgement = addStatement(spending, at(ms, cpuMs), 200)
    assert.equal(judgement.detail, undefined)
    spending = judgement.spending
  }
})

test('a process that is another one now begins anew', () => {
  const old = { atNs: 0n, cpuNs: 9n, sent: 500n, told: 0n }
  const { spending, detail } = addStatement(
    { first: old, newest: old, over: 1 },
    { atNs: 1n, cpuNs: 5n, sent: 0n, told: 0n },
    200,
  )
  assert.deepEqual([spending.over, detail], [0, undefined])
})

test('who was at work for most of the time since the last look is busy', () => {
  const at = (atNs: bigint, cpuNs: bigint) => ({ atNs, cpuNs, sent: 0n, told: 0n })
  assert.equal(isBusy(at(0n, 0n), at(100n, 51n)), true)
  assert.equal(isBusy(at(0n, 0n), at(100n, 50n)), false)
})
