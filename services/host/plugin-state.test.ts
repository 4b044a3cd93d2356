import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type Goal,
  next,
  type PluginEvent,
  type PluginLife,
  type PluginStateWord,
  troubleOf,
  unborn,
} from './plugin-state.ts'

const policy = { goal: 'running' } as const
const found: PluginEvent = { kind: 'found', problem: null, unsupported: null }
const want = (goal: Goal | null): PluginEvent => ({ kind: 'wanted', goal })
const judged: PluginEvent = { kind: 'judged', detail: '' }
const placed: PluginEvent = { kind: 'placed', advice: '', isNew: true }
const reported = (state: 'running' | 'throttled' | 'waiting' | 'failed'): PluginEvent => ({
  ...{ kind: 'reported', detail: '' },
  state,
})
const refused = (runsOn: boolean): PluginEvent => ({ kind: 'refused', detail: 'PLUGIN_FAILED: no', runsOn })

const after = (...events: readonly PluginEvent[]): PluginLife =>
  events.reduce<PluginLife>((life, event, index) => next(life, event, index, policy), unborn)
const way = (...events: readonly PluginEvent[]): readonly PluginStateWord[] =>
  events.map((_, index) => after(...events.slice(0, index + 1)).state)

test('a plugin that is wanted goes from available to running', () => {
  assert.deepEqual(way(want(null), found, judged, placed, reported('running'), reported('throttled')), [
    'available',
    'available',
    'verified',
    'enabled',
    'running',
    'throttled',
  ])
})

test('one that is only to be loaded is loaded, and runs once it is enabled', () => {
  assert.deepEqual(way(want('loaded'), found, judged, placed, want('running'), reported('running'), want('loaded')), [
    ...['available', 'available', 'verified', 'loaded', 'enabled', 'running', 'loaded'],
  ])
})

test('a reload that fails leaves what runs as it is, says why, and a later one takes it back', () => {
  const runs = [want(null), found, judged, placed, reported('running')]
  const failed = after(...runs, refused(true))
  assert.deepEqual([failed.state, failed.refusal], ['running', 'PLUGIN_FAILED: no'])
  const mended = after(...runs, refused(true), judged, placed)
  assert.deepEqual([mended.state, mended.refusal], ['running', ''])
  assert.equal(after(...runs, refused(false)).state, 'failed')
  assert.equal(after(want(null), found, judged, refused(true)).state, 'failed', 'nothing ran')
})

test('what keeps a plugin from running is told of one that is to run, and of no other', () => {
  const runs = [want(null), found, judged, placed, reported('running')]
  assert.equal(troubleOf(after(...runs)), '')
  assert.equal(troubleOf(after(...runs, refused(true))), 'PLUGIN_FAILED: no; what ran before runs on')
  assert.equal(troubleOf(after(want(null), found, refused(false))), 'PLUGIN_FAILED: no')
  assert.equal(troubleOf(after(want(null), found, { kind: 'judged', detail: 'not granted' })), 'not granted')
  assert.equal(troubleOf(after(want('disabled'), found)), '')
})

test('a word of its service about a plugin that it has no more changes nothing', () => {
  for (const end of [want('disabled'), want('available'), refused(false)]) {
    const ended = after(want(null), found, judged, placed, reported('running'), end)
    assert.equal(next(ended, reported('running'), 9, policy), ended)
  }
})

test('a quarantine ends at its time and not before, and its plugin goes where it is wanted then', () => {
  const runs = [want(null), found, judged, placed, reported('running')]
  const kept = after(...runs, { kind: 'quarantined', untilMs: 1000, detail: '3 crashes' })
  assert.deepEqual([kept.state, kept.untilMs, kept.placed], ['quarantined', 1000, false])
  assert.equal(next(kept, { kind: 'due' }, 999, policy), kept)
  assert.equal(next(kept, { kind: 'due' }, 1000, policy).state, 'available')
  assert.equal(next(kept, { kind: 'released' }, 5, policy).state, 'available')
  const unwanted = next(kept, want('disabled'), 5, policy)
  assert.equal(unwanted.state, 'quarantined')
  assert.equal(next(unwanted, { kind: 'released' }, 6, policy).state, 'disabled')
})

test('since when it is in its state is told, and words about the same state do not change that', () => {
  const runs = after(want(null), found, judged, placed, reported('running'))
  assert.equal(runs.sinceMs, 4)
  const warned = next(runs, { kind: 'reported', state: 'running', detail: 'slow' }, 99, policy)
  assert.deepEqual([warned.sinceMs, warned.detail], [4, 'slow'])
})

// ---- whatever happens

const anyEvent: fc.Arbitrary<PluginEvent> = fc.oneof(
  fc.record({
    kind: fc.constant('found' as const),
    problem: fc.constantFrom(null, 'MANIFEST_INVALID: broken'),
    unsupported: fc.constantFrom(null, 'PLUGIN_UNSUPPORTED: no such room'),
  }),
  fc.constantFrom<Goal | null>('running', 'loaded', 'available', 'disabled', null).map(want),
  fc.constantFrom('', 'ProcessDsp is not granted').map((detail): PluginEvent => ({ kind: 'judged', detail })),
  fc.boolean().map(refused),
  fc.constant<PluginEvent>({ kind: 'missing', detail: 'SERVICE_UNAVAILABLE: trust' }),
  fc.constant(placed),
  fc.constantFrom('running' as const, 'throttled' as const, 'waiting' as const, 'failed' as const).map(reported),
  fc.constant<PluginEvent>({ kind: 'ended', detail: '' }),
  fc.nat(100).map((untilMs): PluginEvent => ({ kind: 'quarantined', untilMs, detail: 'crashes' })),
  fc.constant<PluginEvent>({ kind: 'released' }),
  fc.constant<PluginEvent>({ kind: 'due' }),
)
const history = fc.array(fc.record({ event: anyEvent, passedMs: fc.nat(20) }), { maxLength: 60 })

const live = (events: readonly { readonly event: PluginEvent; readonly passedMs: number }[], check: Check): void => {
  let life: PluginLife = unborn
  let nowMs = 0
  for (const { event, passedMs } of events) {
    nowMs += passedMs
    const later = next(life, event, nowMs, policy)
    check(life, event, later, nowMs)
    life = later
  }
}
type Check = (before: PluginLife, event: PluginEvent, after: PluginLife, nowMs: number) => void

test('nothing but its time or a release ends a quarantine', () => {
  fc.assert(
    fc.property(history, (events) =>
      live(events, (before, event, life, nowMs) => {
        if (before.state !== 'quarantined' || life.state === 'quarantined') return
        assert.ok(event.kind === 'released' || (event.kind === 'due' && nowMs >= (before.untilMs as number)))
      }),
    ),
  )
})

test('a plugin that is disabled is in no service, and one that a service has is wanted there', () => {
  fc.assert(
    fc.property(history, (events) =>
      live(events, (_, __, life) => {
        if (life.state === 'disabled') assert.equal(life.goal, 'disabled')
        if (life.placed) assert.ok(life.goal === 'running' || life.goal === 'loaded')
        if (['loaded', 'enabled', 'running', 'throttled'].includes(life.state)) assert.ok(life.placed)
        if (life.goal === 'disabled')
          assert.ok(['disabled', 'quarantined', 'failed', 'unsupported'].includes(life.state))
        assert.equal(life.untilMs !== null, life.state === 'quarantined')
      }),
    ),
  )
})

test('a plugin runs only after it was judged and placed since it was last ended', () => {
  fc.assert(
    fc.property(history, (events) => {
      let wasPlaced = false
      live(events, (_, event, life) => {
        wasPlaced = (wasPlaced || event.kind === 'placed') && life.placed
        if (life.state === 'running' || life.state === 'throttled') assert.ok(wasPlaced)
      })
    }),
  )
})
