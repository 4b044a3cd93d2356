import { type ConductPolicy, standardPolicy } from '../conduct-policy.ts'
import type { ReportedTally, ServiceReport } from '../conduct-report.ts'

// What happens in a rig whose host is killed again and again, by the number of a step. Every step takes a minute.

export const scriptPolicy: ConductPolicy = {
  ...standardPolicy,
  ...{ maxCrashes: 2, maxBudgetViolations: 4, windowMinutes: 20, restoreAfterMinutes: 2, quarantineDurationMinutes: 3 },
  levelDecayHours: 1,
}

export const scriptPlugins = ['a', 'b', 'c', 'd'] as const

export const timeOf = (step: number): number => Date.UTC(2026, 0, 1) + step * 60_000

/** Steps after which the services begin to count anew. */
const lifeSteps = 60

const tally = (word: ReportedTally['word'], as: ReportedTally['as'], count: number): readonly ReportedTally[] =>
  count === 0 ? [] : [{ word, as, count, lastUs: count, detail: `number ${count}` }]

/** What the services say then. The first plugin has one refusal of memory a step, which tells which report was taken. */
export function reportAt(step: number): ServiceReport {
  const since = step % lifeSteps
  const plugins = scriptPlugins.map((id, index) => ({
    ...{ id, name: `life ${Math.floor(step / lifeSteps)}` },
    tallies: [
      ...tally('crash', 'crash', Math.floor(since / (7 + 5 * index))),
      ...tally('budget', 'budget', Math.floor(since / (3 + index))),
      ...(index === 0 ? tally('memory', null, 1 + since) : []),
    ],
  }))
  return { pluginClass: 'Fast', plugins }
}

/** What the operator does then: the plugin that is released. */
export const releasedAt = (step: number): string | undefined =>
  step % 11 === 10 ? scriptPlugins[Math.floor(step / 11) % scriptPlugins.length] : undefined

/** Whether the report of a step is the one that was read last. */
export const isReadingOf = (step: number, name: string | undefined, refusals: number | undefined): boolean =>
  name === `life ${Math.floor(step / lifeSteps)}` && refusals === 1 + (step % lifeSteps)
