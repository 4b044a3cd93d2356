import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FastPlugin } from '../../gen/proto/openracing/v1/dsp_helper.ts'
import { type Violation, ViolationKind } from '../../gen/proto/openracing/v1/statistics.ts'
import { SafePlugin } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import { growthSince, type Reading } from './conduct-intake.ts'
import { noCounts } from './conduct-policy.ts'
import { type ReportedPlugin, readFast, readSafe } from './conduct-report.ts'

const {
  VIOLATION_KIND_CRASH: crash,
  VIOLATION_KIND_BUDGET: budget,
  VIOLATION_KIND_MEMORY: memory,
  VIOLATION_KIND_RESULT: result,
  VIOLATION_KIND_NOT_FINITE: notFinite,
  VIOLATION_KIND_PROTOCOL: protocol,
  VIOLATION_KIND_CAPABILITY: capability,
  VIOLATION_KIND_TIMEOUT: timeout,
} = ViolationKind

const violation = (kind: ViolationKind, count: bigint, lastTimeUnixUs = 1n): Violation => ({
  ...{ kind, count, lastTimeUnixUs, detail: 'it did', phase: 0, sequence: 0 },
})

const safe = (life: bigint, ...violations: readonly Violation[]): ReportedPlugin =>
  readSafe([SafePlugin.fromPartial({ id: 'a', life, violations: [...violations] })]).plugins[0] as ReportedPlugin
const fast = (tenure: bigint, ...violations: readonly Violation[]): ReportedPlugin =>
  readFast([FastPlugin.fromPartial({ id: 'a', tenure, violations: [...violations] })]).plugins[0] as ReportedPlugin

const readingAfter = (...reports: readonly ReportedPlugin[]): Reading | undefined =>
  reports.reduce<Reading | undefined>((before, report) => growthSince(before, report).reading, undefined)
const newIn = (report: ReportedPlugin, ...before: readonly ReportedPlugin[]) =>
  growthSince(readingAfter(...before), report).counts

test('what counters grew by is counted, once', () => {
  const [one, three] = [safe(7n, violation(budget, 1n)), safe(7n, violation(budget, 3n), violation(crash, 1n))]
  assert.deepEqual(newIn(one), { ...noCounts, budget: 1 })
  assert.deepEqual(newIn(three, one), { ...noCounts, budget: 2, crash: 1 })
  assert.deepEqual(newIn(three, one, three), noCounts)
})

test('counters with another name have begun anew', () => {
  assert.deepEqual(newIn(safe(8n, violation(crash, 2n)), safe(7n, violation(crash, 2n))), { ...noCounts, crash: 2 })
})

test('a helper that tells again what it had not written down is not believed twice', () => {
  const [five, four] = [fast(7n, violation(crash, 5n, 50n)), fast(7n, violation(crash, 4n, 40n))]
  assert.deepEqual(newIn(four, five), noCounts)
  assert.deepEqual(newIn(fast(7n, violation(crash, 5n, 60n)), five, four), noCounts)
  assert.deepEqual(newIn(fast(7n, violation(crash, 6n, 70n)), five, four), { ...noCounts, crash: 1 })
})

test('a smaller count with something newer has begun anew', () => {
  assert.deepEqual(newIn(fast(7n, violation(crash, 2n, 60n)), fast(7n, violation(crash, 5n, 50n))), {
    ...noCounts,
    crash: 2,
  })
})

test('counts beyond all numbers are as good as the largest of them, and are counted once', () => {
  const lie = safe(7n, violation(budget, 2n ** 64n - 1n, 2n ** 64n - 1n))
  assert.deepEqual(newIn(lie, safe(7n, violation(budget, 1n))), { ...noCounts, budget: Number.MAX_SAFE_INTEGER - 1 })
  assert.deepEqual(newIn(lie, lie), noCounts)
})

test('what is a crash, and what is a finding that nothing follows from', () => {
  const all = [crash, capability, timeout, memory, budget, result, notFinite, protocol].map((kind) =>
    violation(kind, 1n),
  )
  assert.deepEqual(newIn(safe(1n, ...all)), { crash: 4, capability: 1, timeout: 1, budget: 1 }) // memory took its thread along
  assert.deepEqual(newIn(fast(1n, ...all)), { crash: 3, capability: 1, timeout: 1, budget: 1 })
  assert.deepEqual(newIn(fast(1n, violation(99 as ViolationKind, 5n), violation(0, 5n))), noCounts)
})

test('a report that names a plugin or a kind twice, or nobody, is read once', () => {
  const twice = SafePlugin.fromPartial({ id: 'a', life: 1n, violations: [violation(crash, 1n), violation(crash, 9n)] })
  const other = SafePlugin.fromPartial({ id: 'a', life: 2n, violations: [violation(crash, 5n)] })
  const nobody = SafePlugin.fromPartial({ id: '', life: 2n, violations: [violation(crash, 5n)] })
  const { plugins } = readSafe([twice, other, nobody, { ...nobody, id: 'x'.repeat(129) }])
  assert.equal(plugins.length, 1)
  assert.deepEqual(newIn(plugins[0] as ReportedPlugin), { ...noCounts, crash: 1 })
})

test('evidence is one short line', () => {
  const plugin = safe(1n, { ...violation(crash, 1n), detail: `a\nb\u001b[2J${'c'.repeat(5000)}` })
  const [detail = ''] = growthSince(undefined, plugin).details
  assert.match(detail, /^a\\x0ab\\x1b\[2Jc+$/)
  assert.ok(detail.length < 400)
})

test('however counters come and go, as much is counted as happened', () => {
  const steps = fc.array(fc.record({ more: fc.integer({ min: 0, max: 5 }), anew: fc.boolean() }), { maxLength: 40 })
  fc.assert(
    fc.property(steps, (some) => {
      let [life, count, timeUs, happened, counted] = [1n, 0, 1n, 0, 0]
      let reading: Reading | undefined
      for (const { more, anew } of some) {
        if (anew) [life, count] = [life + 1n, 0]
        count += more
        happened += more
        timeUs += more > 0 ? 10n : 0n
        const growth = growthSince(reading, safe(life, violation(crash, BigInt(count), timeUs)))
        counted += growth.counts.crash
        reading = growth.reading
        assert.equal(counted, happened)
      }
    }),
  )
})
