import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  delayMs,
  next,
  pauseAfter,
  type RestartEvent,
  type RestartPolicy,
  type RestartState,
  standardRestart,
  stopped,
} from './restart.ts'

const after = (events: readonly (readonly [RestartEvent, number])[]): RestartState =>
  events.reduce<RestartState>((state, [event, now]) => next(state, event, now, standardRestart), stopped)

test('what ends is started again after 100 ms, then 200, 400 and so on to 30 s', () => {
  const delays = Array.from({ length: 11 }, (_, index) => delayMs(index + 1, standardRestart))
  assert.deepEqual(delays, [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000])
  assert.equal(delayMs(10_000, standardRestart), 30_000)
})

test('it is not started before its time', () => {
  const waiting = after([
    ['start', 0],
    ['ready', 10],
    ['lost', 50],
  ])
  assert.deepEqual(waiting, { kind: 'waiting', losses: 1, restarts: 0, recent: [50], until: 150 })
  assert.equal(next(waiting, 'due', 149, standardRestart), waiting)
  assert.deepEqual(next(waiting, 'due', 150, standardRestart), {
    kind: 'starting',
    losses: 1,
    restarts: 1,
    recent: [50],
  })
})

test('a loss while starting counts as one while running does', () => {
  const state = after([
    ['start', 0],
    ['lost', 5],
    ['due', 105],
    ['lost', 110],
  ])
  assert.deepEqual(state, { kind: 'waiting', losses: 2, restarts: 1, recent: [5, 110], until: 310 })
})

test('60 s of health forgive the losses but not the count of restarts', () => {
  const state = after([
    ['start', 0],
    ['lost', 0],
    ['due', 100],
    ['ready', 200],
    ['lost', 60_200],
  ])
  assert.deepEqual(state, { kind: 'waiting', losses: 1, restarts: 1, recent: [0, 60_200], until: 60_300 })
  const early = after([
    ['start', 0],
    ['lost', 0],
    ['due', 100],
    ['ready', 200],
    ['lost', 60_199],
  ])
  assert.equal(early.kind === 'waiting' && early.losses, 2)
})

test('what was stopped stays stopped until it is asked to start', () => {
  const state = after([
    ['start', 0],
    ['ready', 1],
    ['stop', 2],
  ])
  for (const event of ['ready', 'lost', 'due', 'stop'] as const) {
    assert.equal(next(state, event, 1e9, standardRestart).kind, 'stopped')
  }
  assert.equal(next(state, 'start', 3, standardRestart).kind, 'starting')
})

/** Lost as soon as it is up, again and again, from its start to being given up. */
function givenUp(policy = standardRestart): RestartState & { readonly kind: 'failed' } {
  let state = next(stopped, 'start', 0, policy)
  for (let now = 0; state.kind !== 'failed'; ) {
    state = next(next(state, 'ready', now, policy), 'lost', now, policy)
    if (state.kind !== 'waiting') continue
    now = state.until
    state = next(state, 'due', now, policy)
  }
  return state
}

test('what is lost more than ten times in ten minutes is given up, after a good minute for what cannot start', () => {
  const state = givenUp()
  assert.deepEqual([state.restarts, state.losses, state.until - 600_000], [10, 11, 81_100])
})

test('ten losses in any ten minutes are put up with, however long it runs in between', () => {
  let state = next(stopped, 'start', 0, standardRestart)
  for (let loss = 1; loss <= 200; loss++) {
    const now = loss * 60_100
    state = next(next(state, 'ready', now - 60_000, standardRestart), 'lost', now, standardRestart)
    assert.equal(state.kind, 'waiting')
    state = next(state, 'due', now + 100, standardRestart)
  }
})

test('what was given up is tried once more after ten minutes, and given up again unless it lasts for ten', () => {
  const failed = givenUp()
  assert.equal(next(failed, 'due', failed.until - 1, standardRestart), failed)
  const tried = next(failed, 'due', failed.until, standardRestart)
  assert.deepEqual([tried.kind, tried.restarts], ['starting', 11])
  const running = next(tried, 'ready', failed.until, standardRestart)
  assert.equal(next(running, 'lost', failed.until + 599_999, standardRestart).kind, 'failed')
  assert.equal(next(running, 'lost', failed.until + 600_000, standardRestart).kind, 'waiting')
})

test('somebody who asks has it started at once, with all its losses forgotten', () => {
  const again = next(givenUp(), 'again', 90_000, standardRestart)
  assert.deepEqual(again, { kind: 'starting', losses: 0, restarts: 11, recent: [] })
  assert.deepEqual(next(stopped, 'again', 0, standardRestart), stopped)
})

test("an end that is nobody's fault is waited after, and not held against it", () => {
  const state = next(
    next(next(stopped, 'start', 0, standardRestart), 'ready', 0, standardRestart),
    'excused',
    5,
    standardRestart,
  )
  assert.deepEqual(state, { kind: 'waiting', losses: 1, restarts: 0, recent: [], until: 105 })
})

test('what has no intensity is never given up', () => {
  let state = next(stopped, 'start', 0, { ...standardRestart, intensity: null })
  for (let now = 0; now < 1000; now++) {
    state = next(state, 'lost', now, { ...standardRestart, intensity: null })
    assert.ok(state.kind === 'waiting')
    state = next(state, 'due', state.until, { ...standardRestart, intensity: null })
  }
})

test('who keeps no state of its own is told the same', () => {
  let recent: readonly number[] = []
  for (let loss = 0; loss < 10; loss++) {
    const pause = pauseAfter(recent, loss * 60_000, standardRestart)
    assert.equal(pause.givenUpMs, undefined)
    recent = pause.recent
  }
  const tooMuch = pauseAfter(recent, 599_999, standardRestart)
  assert.equal(tooMuch.givenUpMs, 600_000)
  assert.equal(pauseAfter(recent, 600_000, standardRestart).givenUpMs, undefined, 'the first one is out of the window')
  const triedMs = 599_999 + 600_000
  assert.equal(pauseAfter(tooMuch.recent, triedMs + 599_999, standardRestart).givenUpMs, 600_000)
  assert.equal(pauseAfter(tooMuch.recent, triedMs + 600_000, standardRestart).givenUpMs, undefined)
})

const anyPolicy = fc.record({
  firstDelayMs: fc.integer({ min: 1, max: 500 }),
  maxDelayMs: fc.integer({ min: 500, max: 30_000 }),
  forgiveAfterMs: fc.integer({ min: 0, max: 60_000 }),
  intensity: fc.record({
    most: fc.integer({ min: 1, max: 12 }),
    windowMs: fc.integer({ min: 1, max: 100_000 }),
    pauseMs: fc.integer({ min: 1, max: 100_000 }),
  }),
})
const anyEvent = fc.constantFrom<RestartEvent>(
  'start',
  'again',
  'ready',
  'lost',
  'lost',
  'excused',
  'due',
  'due',
  'stop',
)
const anyHistory = fc.array(fc.tuple(anyEvent, fc.integer({ min: 0, max: 40_000 })), { maxLength: 200 })

/** Each step of a history: the state before it, the event, its time, and the state after it. */
function* steps(history: readonly (readonly [RestartEvent, number])[], policy: RestartPolicy) {
  let state: RestartState = stopped
  let now = 0
  for (const [event, elapsedMs] of history) {
    now += elapsedMs
    const before = state
    state = next(state, event, now, policy)
    yield { before, event, now, after: state }
  }
}

test('whatever happens, it is given up when, and only when, there were more losses in a window than are put up with', () => {
  fc.assert(
    fc.property(anyPolicy, anyHistory, (policy, history) => {
      const { most, windowMs, pauseMs } = policy.intensity
      let lost: number[] = []
      let onProbation = Number.NEGATIVE_INFINITY
      for (const { before, event, now, after } of steps(history, policy)) {
        if (event === 'again' || before.kind === 'stopped') [lost, onProbation] = [[], Number.NEGATIVE_INFINITY]
        const alive = before.kind === 'starting' || before.kind === 'running'
        if (before.kind === 'failed' && after.kind === 'starting' && event === 'due') [lost, onProbation] = [[], now]
        if (event !== 'lost' || !alive) {
          assert.ok(after.kind !== 'failed' || after === before, 'only a loss gives it up')
          continue
        }
        lost.push(now)
        const tooMuch = lost.filter((at) => now - at < windowMs).length > most || now - onProbation < windowMs
        assert.equal(after.kind, tooMuch ? 'failed' : 'waiting')
        if (after.kind === 'failed') assert.equal(after.until, now + pauseMs)
      }
    }),
  )
})

test('whatever happens, it is never started before its time, restarts never go down, and what is remembered stays small', () => {
  fc.assert(
    fc.property(anyPolicy, anyHistory, (policy, history) => {
      for (const { before, event, now, after } of steps(history, policy)) {
        assert.ok(after.restarts >= before.restarts && after.restarts <= before.restarts + 1)
        if ('recent' in after) assert.ok(after.recent.length <= policy.intensity.most)
        const started = after.kind === 'starting' && (before.kind === 'waiting' || before.kind === 'failed')
        if (started && event === 'due') assert.ok(now >= before.until)
        if (started) assert.equal(after.restarts, before.restarts + 1)
      }
    }),
  )
})
