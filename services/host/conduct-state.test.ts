import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type ConductPolicy,
  conductNumbers,
  quarantineMs,
  slowedHz,
  standardPolicy,
  windowMs,
} from './conduct-policy.ts'
import { blameless, type ConductState, type Decision, dueMs, next, type Step } from './conduct-state.ts'
import { countWindows, someOf } from './conduct-window.ts'
import { histories, hourMs, type Moment, minuteMs, policies, violated } from './testing/conduct-history.ts'
import { createNaiveConduct } from './testing/naive-conduct.ts'

const startMs = 1_700_000_000_000

/** Everything that a history comes to, step by step. */
function* stepsOf(history: readonly Moment[], policy: ConductPolicy) {
  let state: ConductState = blameless
  let nowMs = startMs
  for (const { afterMinutes, event } of history) {
    nowMs += afterMinutes * minuteMs
    const before = state
    const step = next(before, event, nowMs, policy)
    state = step.state
    yield { afterMinutes, nowMs, before, event, ...step }
  }
}

function run(...moments: readonly (readonly [afterMinutes: number, event: Moment['event']])[]): Step {
  const steps = [
    ...stepsOf(
      moments.map(([afterMinutes, event]) => ({ afterMinutes, event })),
      standardPolicy,
    ),
  ]
  return { state: steps.at(-1)?.state ?? blameless, decisions: steps.flatMap(({ decisions }) => decisions) }
}

const kinds = ({ decisions }: Pick<Step, 'decisions'>): readonly Decision['kind'][] => decisions.map(({ kind }) => kind)

test('what follows from any history is what the contract says, minute by minute', () => {
  fc.assert(
    fc.property(histories, policies, (history, policy) => {
      const naive = createNaiveConduct(policy)
      for (const { afterMinutes, nowMs, state, event } of stepsOf(history, policy)) {
        naive.after(afterMinutes, event)
        const { level, quarantine, halvings, windows } = state
        const freeAgain = quarantine === null ? undefined : (quarantine.untilMs - startMs) / minuteMs
        const counted = countWindows(windows, nowMs, windowMs(policy))
        assert.deepEqual({ level, halvings, freeAgain, counted }, naive.view())
      }
    }),
    { numRuns: 400 },
  )
})

test('whatever happens, no level is above its maximum and no quarantine is shorter or longer than its level says', () => {
  fc.assert(
    fc.property(histories, policies, (history, policy) => {
      for (const { nowMs, before, state, event, decisions } of stepsOf(history, policy)) {
        assert.ok(state.level <= policy.maxQuarantineLevel && policy.maxQuarantineLevel <= 5)
        const { quarantine } = state
        if (quarantine !== null) {
          assert.equal(quarantine.untilMs - quarantine.sinceMs, quarantineMs(state.level, policy))
          assert.ok(nowMs < quarantine.untilMs)
          assert.ok(!someOf(countWindows(state.windows, nowMs, windowMs(policy))))
        }
        if (before.quarantine !== null && before.quarantine.untilMs > nowMs && event.kind !== 'released')
          assert.deepEqual(quarantine, before.quarantine)
        for (const decision of decisions)
          if (decision.kind === 'quarantine ended') assert.equal(decision.atMs, before.quarantine?.untilMs)
      }
    }),
  )
})

test('a rate falls with budget violations alone, and comes back one step for each clean time', () => {
  fc.assert(
    fc.property(histories, policies, (history, policy) => {
      let lastMs = startMs // of the last violation, or step
      let halvings = 0
      for (const { nowMs, event, decisions, state } of stepsOf(history, policy)) {
        for (const decision of decisions) {
          if (decision.kind === 'restore') {
            assert.equal(decision.halvings, halvings - 1)
            assert.equal(decision.atMs, lastMs + policy.restoreAfterMinutes * minuteMs)
            lastMs = decision.atMs
          }
          if (decision.kind === 'throttle') {
            assert.ok(decision.halvings > halvings)
            assert.ok(event.kind === 'violated' && event.counts.budget > 0)
          }
          if ('halvings' in decision) halvings = decision.halvings
          else if (decision.kind === 'quarantine' || decision.kind === 'release') halvings = 0
        }
        assert.equal(state.halvings, halvings)
        if (event.kind === 'violated' && someOf(event.counts)) lastMs = nowMs
      }
    }),
  )
})

test('a release empties the window and keeps the level', () => {
  fc.assert(
    fc.property(histories, policies, (history, policy) => {
      for (const { nowMs, before, state, event } of stepsOf(history, policy)) {
        if (event.kind !== 'released') continue
        assert.ok(!someOf(countWindows(state.windows, nowMs, windowMs(policy))))
        assert.equal(state.quarantine, null)
        const settled = next(before, { kind: 'due' }, nowMs, policy).state
        assert.equal(state.level, settled.level)
      }
    }),
  )
})

test('it does not matter whether somebody looked at every moment or never', () => {
  fc.assert(
    fc.property(histories, policies, fc.integer({ min: 1, max: 500 }), (history, policy, everyMinutes) => {
      let watched: ConductState = blameless
      let nowMs = startMs
      for (const { event, nowMs: atMs, state } of stepsOf(history, policy)) {
        for (; nowMs + everyMinutes * minuteMs < atMs; nowMs += everyMinutes * minuteMs)
          watched = next(watched, { kind: 'due' }, nowMs, policy).state
        watched = next(watched, event, atMs, policy).state
        nowMs = atMs
        assert.deepEqual(watched, state)
      }
    }),
  )
})

test('nothing changes before the moment that is said to be next, and something does then', () => {
  fc.assert(
    fc.property(histories, policies, (history, policy) => {
      for (const { nowMs, state } of stepsOf(history, policy)) {
        const atMs = dueMs(state, policy)
        if (atMs === undefined) continue
        assert.ok(atMs > nowMs)
        assert.deepEqual(next(state, { kind: 'due' }, atMs - 1, policy), { state, decisions: [] })
        assert.equal(next(state, { kind: 'due' }, atMs, policy).decisions.length, 1)
      }
    }),
  )
})

test('the third crash within an hour is a quarantine of an hour, and one an hour after the first is not', () => {
  const crash = violated({ crash: 1 })
  const { state, decisions } = run([0, crash], [20, crash], [39, crash])
  assert.equal(state.level, 1)
  assert.equal((state.quarantine?.untilMs ?? 0) - (state.quarantine?.sinceMs ?? 0), hourMs)
  assert.equal(state.quarantine?.reason, '3 crashes within 60 min')
  assert.deepEqual(kinds({ decisions }), ['quarantine'])
  assert.equal(run([0, crash], [20, crash], [40, crash]).state.quarantine, null)
})

test('ten budget violations, five timeouts or three refusals are a quarantine; one less is none', () => {
  for (const [kind, threshold] of [
    ['budget', 10],
    ['timeout', 5],
    ['capability', 3],
    ['crash', 3],
  ] as const) {
    assert.equal(run([0, violated({ [kind]: threshold - 1 })]).state.quarantine, null, kind)
    assert.equal(run([0, violated({ [kind]: threshold })]).state.level, 1, kind)
  }
})

test('a burst of a million violations is one quarantine', () => {
  const { state, decisions } = run([0, violated({ budget: 1_000_000, crash: 1_000_000 })])
  assert.equal(state.level, 1)
  assert.deepEqual(kinds({ decisions }), ['quarantine'])
  assert.equal(state.totals.budget, 1_000_000)
})

test('the first budget violation is a warning, from the second on the rate is halved down to its floor', () => {
  const budget = violated({ budget: 1 })
  const slow = [0, 1, 2, 3].map((more) => run(...Array.from({ length: 1 + more }, () => [1, budget] as const)))
  assert.deepEqual(
    slow.map(({ state }) => state.halvings),
    [0, 1, 2, 2],
  )
  assert.deepEqual(kinds(slow[3] as Step), ['warn', 'throttle', 'throttle'])
  const hz = (rateHz: number, halvings: number) =>
    slowedHz(rateHz === 1000 ? 'Fast' : 'Safe', rateHz, halvings, standardPolicy)
  assert.deepEqual(
    [0, 1, 2, 3].map((halvings) => hz(1000, halvings)),
    [1000, 500, 250, 250],
  )
  assert.deepEqual(
    [0, 1, 2].map((halvings) => hz(200, halvings)),
    [200, 100, 60],
  )
  assert.deepEqual(
    [0, 1].map((halvings) => hz(60, halvings)),
    [60, 60],
  )
  assert.equal(hz(0, 1), 0)
})

test('a plugin that cannot be slower is warned, and nothing else, until its threshold', () => {
  const budget = violated({ budget: 1 }, 0)
  assert.deepEqual(kinds(run(...Array.from({ length: 10 }, () => [1, budget] as const))), ['warn', 'quarantine'])
})

test('each ten clean minutes bring one step of the rate back', () => {
  const { decisions } = run([0, violated({ budget: 3 })], [9, violated({ timeout: 1 })], [25, { kind: 'due' }])
  assert.deepEqual(
    decisions.map(({ kind, atMs }) => [kind, (atMs - startMs) / minuteMs]),
    [
      ['throttle', 0],
      ['restore', 19],
      ['restore', 29],
    ],
  )
})

test('three strikes are a warning, half the rate, and a quarantine that doubles each time', () => {
  const policy = { ...standardPolicy, maxBudgetViolations: 3 }
  let state: ConductState = blameless
  let nowMs = startMs
  const lasted: number[] = []
  for (let round = 0; round < 7; round += 1) {
    const seen: string[] = []
    for (let strike = 0; strike < 3; strike += 1) {
      nowMs += minuteMs
      const step = next(state, violated({ budget: 1 }), nowMs, policy)
      state = step.state
      seen.push(...kinds(step))
    }
    assert.deepEqual(
      seen.filter((kind) => kind !== 'quarantine ended'),
      ['warn', 'throttle', 'quarantine'],
    )
    lasted.push(((state.quarantine?.untilMs ?? 0) - nowMs) / hourMs)
    nowMs = state.quarantine?.untilMs ?? 0
  }
  assert.deepEqual(lasted, [1, 2, 4, 8, 16, 16, 16])
})

test('the level falls by one for each 24 clean hours after the quarantine, and a violation begins them anew', () => {
  const crashes = violated({ crash: 3 })
  const twice = [
    [0, crashes],
    [60, crashes],
  ] as const
  assert.equal(run(...twice).state.level, 2)
  assert.equal(run(...twice, [120 + 24 * 60 - 1, { kind: 'due' }]).state.level, 2)
  assert.equal(run(...twice, [120 + 24 * 60, { kind: 'due' }]).state.level, 1)
  assert.equal(run(...twice, [120 + 23 * 60, violated({ timeout: 1 })], [23 * 60, { kind: 'due' }]).state.level, 2)
  assert.equal(run(...twice, [120 + 48 * 60, { kind: 'due' }]).state.level, 0)
})

test('each number has its default within its bounds', () => {
  for (const [key, { minimum, maximum, default: standard }] of Object.entries(conductNumbers))
    assert.ok(minimum <= standard && standard <= maximum, key)
})
