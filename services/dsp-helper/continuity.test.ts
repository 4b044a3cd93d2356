import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { chainMax } from '../../gen/layout.ts'
import type { FastPluginSpec } from '../../gen/proto/openracing/v1/dsp_helper.ts'
import { type LoopRecord, maxStepNm, recordLoop, type Tick } from '../../test/loop-record.ts'
import { buildNativePlugin, fastPlugin } from '../../test/native-plugin.ts'
import { limits, near, type PlaneUnderTest, pluginOf, startPlane } from '../../test/plane.ts'
import { until } from '../../test/until.ts'
import type { Limits } from './control.ts'

// What a driver feels while the chain is changed under 2 N·m: no tick is missing, and torque goes gently from what the
// old chain answers to what the new one does.

/** Torque takes 50 ticks from one chain to the next. */
const leadTicks = 50

/** One change of the chain, and what the wheel has before and after it, N·m. */
interface Change {
  readonly what: string
  readonly from: readonly FastPluginSpec[]
  readonly to: readonly FastPluginSpec[]
  readonly fromNm: number
  readonly toNm: number
}

/** The changes of a chain in which `offsets` always stays: -x, x + 1, and both ways to do one after the other. */
function changesOf(directory: string): readonly Change[] {
  const offsets = fastPlugin('offsets', buildNativePlugin('offsets', directory))
  const inverts = fastPlugin('inverts', buildNativePlugin('inverts', directory))
  const path = `${inverts.path}.2` // other bytes, the same plugin
  writeFileSync(path, Buffer.concat([readFileSync(inverts.path), Buffer.from('2')]))
  const newVersion = fastPlugin('inverts', path)
  const otherAnswer = { ...offsets, id: 'inverts' }
  const [before, after] = [
    [inverts, offsets],
    [offsets, inverts],
  ]
  return [
    { what: 'inserted', from: [offsets], to: before, fromNm: 3, toNm: -1 },
    { what: 'removed', from: before, to: [offsets], fromNm: -1, toNm: 3 },
    { what: 'moved', from: before, to: after, fromNm: -1, toNm: -3 },
    { what: 'replaced by a new version', from: before, to: [newVersion, offsets], fromNm: -1, toNm: -1 },
    { what: 'replaced by one that answers otherwise', from: before, to: [otherAnswer, offsets], fromNm: -1, toNm: 4 },
    {
      what: 'configured anew',
      from: before,
      to: [{ ...inverts, configJson: '{"a":1}' }, offsets],
      fromNm: -1,
      toNm: -1,
    },
  ]
}

/** Ticks that went on without an answer, whichever plugin's. */
function missed(rig: PlaneUnderTest): ReadonlyMap<string, bigint> {
  const slots = Array.from({ length: chainMax }, (_, slot) => ({ slot, ...rig.window.slot(slot) }))
  return new Map(slots.map(({ slot, life, missedDeadlines }) => [`${slot}/${life}`, missedDeadlines]))
}

function missedSince(before: ReadonlyMap<string, bigint>, rig: PlaneUnderTest): bigint {
  return [...missed(rig)].reduce((sum, [life, count]) => sum + count - (before.get(life) ?? 0n), 0n)
}

interface Outcome {
  /** From the tick before the change until torque is where it should be. */
  readonly ticks: readonly Tick[]
  /** Answers that the loop went on without meanwhile. */
  readonly missed: bigint
}

/**
 * How many ticks have to be left out so that torque never moves faster than `mostNm` a tick. Where a plugin's answer is
 * missed its input is passed on for a tick: there and back, and left out once. A step that stays would have to be left
 * out for as long as a ramp of `mostNm` a tick takes.
 */
function outliers(ticks: readonly Tick[], mostNm: number): number {
  let count = 0
  let good = ticks[0]
  for (const tick of ticks) {
    if (good === undefined || Math.abs(tick.torqueNm - good.torqueNm) <= mostNm * Number(tick.number - good.number))
      good = tick
    else count += 1
  }
  return count
}

/** The chain is changed once, and everything that the loop told meanwhile looked at. */
async function change(rig: PlaneUnderTest, record: LoopRecord, wanted: Change, under: Limits): Promise<Outcome> {
  const most = under.maxTorqueNm
  const arrived = (wantedNm: number): Promise<boolean> =>
    until(`${wantedNm} N·m are at the wheel, or the most that it may have`, () =>
      near(record.ticks().at(-1)?.torqueNm ?? 0, Math.max(-most, Math.min(most, wantedNm))),
    )
  await rig.plane.setChain(wanted.from, under)
  await arrived(wanted.fromNm)
  const before = missed(rig)
  const began = record.ticks().length + 1 // an answer that the next tick misses may be counted already
  await until('the change has a tick to begin from', () => record.ticks().length > began)

  await rig.plane.setChain(wanted.to, under)
  const changed = record.ticks().length
  await until('torque has been led over', () => record.ticks().length > changed + leadTicks)
  await arrived(wanted.toNm)
  return { ticks: record.ticks().slice(began), missed: missedSince(before, rig) }
}

/** The neighbour that stays in the chain has not noticed. */
function assertUntouched(rig: PlaneUnderTest, id: string, pid: number): void {
  const plugin = pluginOf(rig, id)
  assert.equal(plugin.pid, pid)
  assert.equal(plugin.statistics?.restarts, 0)
}

/** A rig on which every change can be tried, with a neighbour that stays. */
async function withRig(
  under: Limits,
  body: (rig: PlaneUnderTest, record: LoopRecord, changes: readonly Change[]) => Promise<void>,
): Promise<void> {
  await using rig = await startPlane()
  const changes = changesOf(rig.directory)
  await rig.plane.setChain(changes[0]?.from ?? [], under)
  const { pid } = pluginOf(rig, 'offsets')
  using record = recordLoop(rig.home)
  await body(rig, record, changes)
  assertUntouched(rig, 'offsets', pid)
  assert.deepEqual(record.gaps(), [])
}

test('under a slew limit no change of the chain moves torque faster than that', async (context) => {
  // Slower than the 0.08 N·m a tick by which torque is led over, so that it is the limit that holds.
  const under = { ...limits, maxTorqueNm: 2.5, maxSlewNmPerS: 60 }
  await withRig(under, async (rig, record, changes) => {
    for (const wanted of changes) {
      await context.test(`a plugin is ${wanted.what}`, async () => {
        const stepNm = maxStepNm((await change(rig, record, wanted, under)).ticks)
        assert.ok(stepNm <= 0.06 + 1e-5, `a step of ${stepNm} N·m from one tick to the next`)
      })
    }
  })
})

test('where no limit is near, every change of the chain is led over in small steps', async (context) => {
  await withRig(limits, async (rig, record, changes) => {
    for (const wanted of changes) {
      await context.test(`a plugin is ${wanted.what}`, async () => {
        // Three times the natural step, from chain to chain or from a silent input's zero. Lost ticks count for nothing
        // here: the loop takes one step after them, too.
        const { fromNm, toNm } = wanted
        const mostNm = (3 * Math.max(Math.abs(fromNm - toNm), Math.abs(fromNm), Math.abs(toNm))) / leadTicks
        // An answer that is missed in the last tick of the old chain is where torque is led over from: then again.
        await until('torque makes no step beyond answers that were missed', async () => {
          const { ticks, missed } = await change(rig, record, wanted, limits)
          const count = outliers(ticks, mostNm)
          if (count <= missed) return true
          const step = `a step of ${maxStepNm(ticks)} N·m from one tick to the next, at the most ${mostNm}`
          assert.ok(missed > 0n, `${step}, and no answer was missed`)
          return false
        })
      })
    }
  })
})
