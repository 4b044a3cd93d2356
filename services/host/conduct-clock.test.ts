import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  advanceClock,
  type ClockMark,
  type Clocks,
  type RigClock,
  resumeClock,
  stepMs,
  wallOf,
} from './conduct-clock.ts'

const hourMs = 3_600_000

/** Time passes, and meanwhile somebody sets the wall clock; or the host is away for that time. */
interface Passage {
  readonly passedMs: number
  readonly setMs: number
  readonly hostAway: boolean
}

const passages: fc.Arbitrary<readonly Passage[]> = fc.array(
  fc.record({
    passedMs: fc.integer({ min: 0, max: 5 * hourMs }),
    setMs: fc.oneof(fc.constant(0), fc.integer({ min: -30 * 24 * hourMs, max: 30 * 24 * hourMs })),
    hostAway: fc.boolean(),
  }),
  { maxLength: 30 },
)

/** Each passage with the clock before and after it. The clock that nobody sets begins anew with each host. */
function* walk(some: readonly Passage[]) {
  let wallMs = 1_700_000_000_000
  let upMs = 77
  let clock = resumeClock(undefined, { wallMs, upMs })
  for (const passage of some) {
    const before: RigClock = clock
    wallMs += passage.passedMs + passage.setMs
    upMs = passage.hostAway ? 5 : upMs + passage.passedMs
    const clocks: Clocks = { wallMs, upMs }
    clock = passage.hostAway ? resumeClock(before, clocks) : advanceClock(before, clocks)
    yield { ...passage, before, after: clock }
  }
}

test('while a host runs its clock goes on by what has passed, whatever the wall clock is set to', () => {
  fc.assert(
    fc.property(passages, (some) => {
      for (const { hostAway, passedMs, setMs, before, after } of walk(some)) {
        if (hostAway) continue
        assert.equal(after.rigMs - before.rigMs, passedMs)
        assert.equal(stepMs(before, after), setMs)
      }
    }),
  )
})

test('from host to host it goes on by the wall clock, and stands where that went back', () => {
  fc.assert(
    fc.property(passages, (some) => {
      for (const { hostAway, passedMs, setMs, before, after } of walk(some))
        if (hostAway) assert.equal(after.rigMs - before.rigMs, Math.max(0, passedMs + setMs))
    }),
  )
})

test('a time that has to be served is served, and no longer, by the clock of the host that runs, however the wall clock is set', () => {
  fc.assert(
    fc.property(passages, fc.integer({ min: 1, max: 16 * hourMs }), (some, durationMs) => {
      let servedMs = 0
      let untilMs: number | undefined
      for (const { hostAway, passedMs, setMs, before, after } of walk(some)) {
        untilMs ??= before.rigMs + durationMs
        servedMs += hostAway ? Math.max(0, passedMs + setMs) : passedMs
        assert.equal(after.rigMs >= untilMs, servedMs >= durationMs)
        assert.equal(wallOf(after, untilMs) - after.wallMs, durationMs - servedMs)
      }
    }),
  )
})

test('a clock that nobody should set, and somebody does, goes no further back than it was', () => {
  const mark: ClockMark = { rigMs: 1000, wallMs: 1000 }
  const clock = advanceClock(resumeClock(mark, { wallMs: 1000, upMs: 500 }), { wallMs: 1000, upMs: 400 })
  assert.equal(clock.rigMs, 1000)
  assert.equal(advanceClock(clock, { wallMs: 1100, upMs: 500 }).rigMs, 1000)
})
