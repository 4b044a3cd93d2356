import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createCallLimiter } from './call-limiter.ts'

test('a caller may begin two seconds of calls at once, and then as many as its rate', () => {
  const limiter = createCallLimiter({ callsPerSecond: 10, openCalls: 1000 })
  const burst = Array.from({ length: 21 }, () => limiter.begin('a', 0))
  assert.deepEqual([burst.filter((word) => word === 'admitted').length, burst.at(-1)], [20, 'too many a second'])
  assert.equal(limiter.begin('a', 99), 'too many a second')
  assert.equal(limiter.begin('a', 200), 'admitted')
  assert.equal(limiter.begin('b', 200), 'admitted', 'another one has its own')
})

test('open calls count until they end, and never below none', () => {
  const limiter = createCallLimiter({ callsPerSecond: 1000, openCalls: 2 })
  assert.deepEqual(
    ['a', 'a', 'a'].map((peer) => limiter.begin(peer, 0)),
    ['admitted', 'admitted', 'too many open'],
  )
  for (let index = 0; index < 5; index++) limiter.end('a')
  assert.deepEqual(
    ['a', 'a', 'a'].map((peer) => limiter.begin(peer, 0)),
    ['admitted', 'admitted', 'too many open'],
  )
})

test('who goes on for five seconds although it is refused floods; a second of quiet makes good', () => {
  const limiter = createCallLimiter({ callsPerSecond: 10, openCalls: 1000 })
  const at = (nowMs: number, calls: number) => Array.from({ length: calls }, () => limiter.begin('a', nowMs)).at(-1)
  assert.equal(at(0, 70), 'too many a second')
  assert.equal(at(0, 1), 'flood')
  assert.equal(at(1000, 1), 'admitted')
  assert.equal(at(1000, 20), 'too many a second')
})

test('over any history nobody begins more than its rate and one burst, nor has more open', () => {
  const limits = { callsPerSecond: 20, openCalls: 7 }
  const step = fc.record({ afterMs: fc.integer({ min: 0, max: 300 }), ends: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const limiter = createCallLimiter(limits)
      let [nowMs, open, begun] = [0, 0, 0]
      for (const { afterMs, ends } of steps) {
        nowMs += afterMs
        if (ends) {
          limiter.end('a')
          open = Math.max(0, open - 1)
        } else if (limiter.begin('a', nowMs) === 'admitted') {
          open += 1
          begun += 1
        }
        assert.ok(open <= limits.openCalls)
        assert.ok(begun <= 2 * limits.callsPerSecond + (nowMs * limits.callsPerSecond) / 1000 + 1)
      }
    }),
  )
})
