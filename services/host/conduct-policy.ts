import type { PluginClass } from './manifest-schema.ts'

/** What counts against a plugin, the gravest first: of two thresholds that are reached at once this one is named. */
export const countedKinds = ['crash', 'capability', 'timeout', 'budget'] as const
export type CountedKind = (typeof countedKinds)[number]

export type Counts = Readonly<Record<CountedKind, number>>

export const noCounts: Counts = { crash: 0, capability: 0, timeout: 0, budget: 0 }

const named: Readonly<Record<CountedKind, readonly [one: string, many: string]>> = {
  crash: ['crash', 'crashes'],
  capability: ['capability violation', 'capability violations'],
  timeout: ['timeout violation', 'timeout violations'],
  budget: ['budget violation', 'budget violations'],
}

/** So many of a kind, in words: `3 crashes`. */
export const countOf = (kind: CountedKind, count: number): string => `${count} ${named[kind][count === 1 ? 0 : 1]}`

/** What follows when plugins misbehave: `plugins.quarantine_policy` of the config. */
export interface ConductPolicy {
  /** So many of a kind within the window are a quarantine. */
  readonly maxCrashes: number
  readonly maxCapabilityViolations: number
  readonly maxTimeoutViolations: number
  readonly maxBudgetViolations: number
  readonly windowMinutes: number
  /** Which budget violation of a window is the first that halves the rate; those before it are warnings. */
  readonly throttleFromBudgetViolation: number
  /** Clean time after which the rate is doubled again, once for each such time. */
  readonly restoreAfterMinutes: number
  /** No rate is halved below these. */
  readonly minSafeRateHz: number
  readonly minFastRateHz: number
  /** Of level 1; twice as long for each further level. */
  readonly quarantineDurationMinutes: number
  readonly maxQuarantineLevel: number
  /** Clean time after which the level falls by one. */
  readonly levelDecayHours: number
}

interface Bounds {
  readonly minimum: number
  readonly maximum: number
  readonly default: number
}

const dayMinutes = 24 * 60
/** A thousand in a window are as good as no limit; it bounds what is remembered of a window, too. */
const threshold = (standard: number): Bounds => ({ minimum: 1, maximum: 1000, default: standard })

/** The bounds of each number, and its default, which is that of the guide and of the contract. */
export const conductNumbers: { readonly [Key in keyof ConductPolicy]: Bounds } = {
  maxCrashes: threshold(3),
  maxCapabilityViolations: threshold(3),
  maxTimeoutViolations: threshold(5),
  maxBudgetViolations: threshold(10),
  windowMinutes: { minimum: 1, maximum: dayMinutes, default: 60 },
  throttleFromBudgetViolation: threshold(2),
  restoreAfterMinutes: { minimum: 1, maximum: dayMinutes, default: 10 },
  minSafeRateHz: { minimum: 1, maximum: 200, default: 60 },
  minFastRateHz: { minimum: 1, maximum: 1000, default: 250 },
  quarantineDurationMinutes: { minimum: 1, maximum: 30 * dayMinutes, default: 60 },
  maxQuarantineLevel: { minimum: 1, maximum: 5, default: 5 }, // five levels of thirty days are more than a year
  levelDecayHours: { minimum: 1, maximum: 365 * 24, default: 24 },
}

export const standardPolicy: ConductPolicy = Object.fromEntries(
  Object.entries(conductNumbers).map(([key, bounds]) => [key, bounds.default]),
) as Record<keyof ConductPolicy, number>

const minuteMs = 60_000

export const windowMs = (policy: ConductPolicy): number => policy.windowMinutes * minuteMs
export const restoreMs = (policy: ConductPolicy): number => policy.restoreAfterMinutes * minuteMs
export const decayMs = (policy: ConductPolicy): number => policy.levelDecayHours * 60 * minuteMs

/** How long a quarantine of this level, 1 or more, lasts, ms. */
export const quarantineMs = (level: number, policy: ConductPolicy): number =>
  policy.quarantineDurationMinutes * minuteMs * 2 ** (level - 1)

export const thresholdsOf = (policy: ConductPolicy): Counts => ({
  crash: policy.maxCrashes,
  capability: policy.maxCapabilityViolations,
  timeout: policy.maxTimeoutViolations,
  budget: policy.maxBudgetViolations,
})

const floorHz = (pluginClass: PluginClass, policy: ConductPolicy): number =>
  pluginClass === 'Safe' ? policy.minSafeRateHz : policy.minFastRateHz

/** The rate of a plugin of `rateHz` that was halved so often, Hz; 0 of one that runs when somebody asks. */
export const slowedHz = (pluginClass: PluginClass, rateHz: number, halvings: number, policy: ConductPolicy): number =>
  Math.min(rateHz, Math.max(floorHz(pluginClass, policy), rateHz / 2 ** halvings))

/** How often the rate of a plugin can be halved until it is at its floor. */
export function halvingsMax(pluginClass: PluginClass, rateHz: number, policy: ConductPolicy): number {
  const doublings = Math.log2(Math.max(rateHz, 1) / floorHz(pluginClass, policy))
  return Math.max(0, Math.ceil(doublings))
}
