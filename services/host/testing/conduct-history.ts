import fc from 'fast-check'
import { type ConductPolicy, type Counts, countedKinds, noCounts, standardPolicy } from '../conduct-policy.ts'
import type { ConductEvent } from '../conduct-state.ts'

export const minuteMs = 60_000
export const hourMs = 60 * minuteMs

export const violated = (counts: Partial<Counts>, halvingsMax = 2): ConductEvent => ({
  kind: 'violated',
  counts: { ...noCounts, ...counts },
  halvingsMax,
})

/** Something that happens so many minutes after what happened before it. */
export interface Moment {
  readonly afterMinutes: number
  readonly event: ConductEvent
}

const counts: fc.Arbitrary<Counts> = fc.record({
  crash: fc.constantFrom(0, 0, 0, 1, 2),
  capability: fc.constantFrom(0, 0, 0, 1, 3),
  timeout: fc.constantFrom(0, 0, 0, 1, 2),
  budget: fc.constantFrom(0, 0, 1, 1, 2, 4, 1_000_000),
})

const event: fc.Arbitrary<ConductEvent> = fc.oneof(
  { weight: 8, arbitrary: counts.map((some) => violated(some)) },
  { weight: 1, arbitrary: fc.constant<ConductEvent>({ kind: 'released' }) },
  { weight: 2, arbitrary: fc.constant<ConductEvent>({ kind: 'due' }) },
)

const gap = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 20 }) },
  { weight: 3, arbitrary: fc.integer({ min: 20, max: 130 }) },
  { weight: 1, arbitrary: fc.integer({ min: 130, max: 6000 }) },
)

/** What may happen to a plugin in a week or two. */
export const histories: fc.Arbitrary<readonly Moment[]> = fc.array(fc.record({ afterMinutes: gap, event }), {
  maxLength: 60,
})

/** The numbers of the contract, and others. */
export const policies: fc.Arbitrary<ConductPolicy> = fc.oneof(
  fc.constant(standardPolicy),
  fc.record({
    maxCrashes: fc.integer({ min: 1, max: 6 }),
    maxCapabilityViolations: fc.integer({ min: 1, max: 6 }),
    maxTimeoutViolations: fc.integer({ min: 1, max: 6 }),
    maxBudgetViolations: fc.integer({ min: 1, max: 12 }),
    windowMinutes: fc.integer({ min: 1, max: 120 }),
    throttleFromBudgetViolation: fc.integer({ min: 1, max: 4 }),
    restoreAfterMinutes: fc.integer({ min: 1, max: 30 }),
    minSafeRateHz: fc.constant(60),
    minFastRateHz: fc.constant(250),
    quarantineDurationMinutes: fc.integer({ min: 1, max: 90 }),
    maxQuarantineLevel: fc.integer({ min: 1, max: 5 }),
    levelDecayHours: fc.integer({ min: 1, max: 30 }),
  }),
)

export const totalOf = (some: Counts): number => countedKinds.reduce((sum, kind) => sum + some[kind], 0)
