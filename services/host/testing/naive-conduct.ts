import { type ConductPolicy, type Counts, countedKinds, noCounts } from '../conduct-policy.ts'
import type { ConductEvent } from '../conduct-state.ts'

/**
 * The contract's paragraph on budgets, read aloud: it goes from minute to minute, keeps every violation that ever was, and
 * counts them anew each time. Slow, and too simple to be wrong in the same way as the real one.
 */
export function createNaiveConduct(policy: ConductPolicy) {
  let minute = 0
  let level = 0
  let halvings = 0
  let freeAgain: number | undefined
  let calmSince = 0
  let goodSince = 0
  let violations: { readonly minute: number; readonly counts: Counts }[] = []

  const inWindow = (): Counts => {
    const young = violations.filter((each) => minute - each.minute < policy.windowMinutes)
    const sum = { ...noCounts } as Record<keyof Counts, number>
    for (const { counts } of young) for (const kind of countedKinds) sum[kind] += counts[kind]
    return sum
  }

  function minutePasses(): void {
    minute += 1
    if (freeAgain !== undefined) {
      if (minute < freeAgain) return
      freeAgain = undefined
      calmSince = minute
      goodSince = minute
      return
    }
    if (halvings > 0 && minute - calmSince >= policy.restoreAfterMinutes) {
      halvings -= 1
      calmSince = minute
    }
    if (level > 0 && minute - goodSince >= policy.levelDecayHours * 60) {
      level -= 1
      goodSince = minute
    }
  }

  function forget(): void {
    violations = []
    halvings = 0
  }

  function happens(event: ConductEvent): void {
    if (event.kind === 'due') return
    if (event.kind === 'released') {
      const counted = inWindow()
      if (freeAgain === undefined && halvings === 0 && countedKinds.every((kind) => counted[kind] === 0)) return
      freeAgain = undefined
      calmSince = minute
      goodSince = minute
      forget()
      return
    }
    if (freeAgain !== undefined || countedKinds.every((kind) => event.counts[kind] === 0)) return
    calmSince = minute
    goodSince = minute
    const before = inWindow().budget
    violations.push({ minute, counts: event.counts })
    const { crash, capability, timeout, budget } = inWindow()
    if (
      crash >= policy.maxCrashes ||
      capability >= policy.maxCapabilityViolations ||
      timeout >= policy.maxTimeoutViolations ||
      budget >= policy.maxBudgetViolations
    ) {
      level = Math.min(level + 1, policy.maxQuarantineLevel)
      freeAgain = minute + [1, 2, 4, 8, 16][level - 1]! * policy.quarantineDurationMinutes
      forget()
      return
    }
    for (let ordinal = before + 1; ordinal <= budget; ordinal += 1)
      if (ordinal >= policy.throttleFromBudgetViolation && halvings < event.halvingsMax) halvings += 1
  }

  return {
    after(minutes: number, event: ConductEvent): void {
      for (let passed = 0; passed < minutes; passed += 1) minutePasses()
      happens(event)
    },
    view: () => ({ level, halvings, freeAgain, counted: inWindow() }),
  }
}
