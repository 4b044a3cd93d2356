import {
  type ConductPolicy,
  type CountedKind,
  type Counts,
  countOf,
  decayMs,
  noCounts,
  quarantineMs,
  restoreMs,
  thresholdsOf,
  windowMs,
} from './conduct-policy.ts'
import {
  addCounts,
  addToWindows,
  countWindows,
  noWindows,
  overThreshold,
  someOf,
  type Windows,
} from './conduct-window.ts'

/** All times are rig time, ms: a clock that does not go back (conduct-clock.ts). */
export interface ConductState {
  /** Of the quarantine that it is in or was in last, less what was forgiven since; 0: none. */
  readonly level: number
  readonly quarantine: Quarantine | null
  /** How often its rate is halved. 0 in quarantine. */
  readonly halvings: number
  /** Empty in quarantine. */
  readonly windows: Windows
  /** Of everything that was ever counted, in quarantine as well. */
  readonly totals: Counts
  /** Clean since then, as far as the rate is concerned: the last violation, or the last step back up. */
  readonly restoreFromMs: number
  /** The same of the level: the last violation, the end of the last quarantine, or the last step down. */
  readonly decayFromMs: number
}

export interface Quarantine {
  readonly sinceMs: number
  readonly untilMs: number
  /** A clause. */
  readonly reason: string
}

export const blameless: ConductState = {
  ...{ level: 0, quarantine: null, halvings: 0, windows: noWindows, totals: noCounts },
  ...{ restoreFromMs: 0, decayFromMs: 0 },
}

/** What happened. `due`: nothing but time. */
export type ConductEvent =
  | {
      readonly kind: 'violated'
      readonly counts: Counts
      /** How often the rate of this plugin can be halved. */
      readonly halvingsMax: number
    }
  | { readonly kind: 'released' }
  | { readonly kind: 'due' }

/** What was decided, and the rig time for which it holds. */
export type Decision = { readonly atMs: number; readonly level: number } & (
  | { readonly kind: 'warn'; readonly counted: Counts }
  | { readonly kind: 'throttle'; readonly counted: Counts; readonly halvings: number }
  | { readonly kind: 'quarantine'; readonly counted: Counts; readonly because: CountedKind; readonly untilMs: number }
  | { readonly kind: 'restore'; readonly halvings: number }
  | { readonly kind: 'quarantine ended' }
  | { readonly kind: 'level lowered' }
  | { readonly kind: 'release'; readonly wasQuarantined: boolean }
)

/** The state after something happened, and what was decided, in the order in which it holds. */
export interface Step {
  readonly state: ConductState
  readonly decisions: readonly Decision[]
}

/** What time alone brings next, and when. */
function upcoming(
  { quarantine, halvings, level, restoreFromMs, decayFromMs }: ConductState,
  policy: ConductPolicy,
): { readonly atMs: number; readonly kind: 'quarantine ended' | 'restore' | 'level lowered' } | undefined {
  if (quarantine !== null) return { kind: 'quarantine ended', atMs: quarantine.untilMs }
  const restore = { kind: 'restore', atMs: restoreFromMs + restoreMs(policy) } as const
  const lower = { kind: 'level lowered', atMs: decayFromMs + decayMs(policy) } as const
  if (halvings > 0 && (level === 0 || restore.atMs <= lower.atMs)) return restore
  return level > 0 ? lower : undefined
}

/** When time alone changes something, rig time; undefined: never. */
export const dueMs = (state: ConductState, policy: ConductPolicy): number | undefined => upcoming(state, policy)?.atMs

/** Everything that time alone has brought until now, each at its own time: somebody may have looked away for days. */
function settle(before: ConductState, nowMs: number, policy: ConductPolicy): Step {
  const decisions: Decision[] = []
  let state = before
  for (let due = upcoming(state, policy); due !== undefined && due.atMs <= nowMs; due = upcoming(state, policy)) {
    const { kind, atMs } = due
    if (kind === 'quarantine ended') state = { ...state, quarantine: null, decayFromMs: atMs, restoreFromMs: atMs }
    else if (kind === 'restore') state = { ...state, halvings: state.halvings - 1, restoreFromMs: atMs }
    else state = { ...state, level: state.level - 1, decayFromMs: atMs }
    const { level, halvings } = state
    decisions.push(kind === 'restore' ? { kind, atMs, level, halvings } : { kind, atMs, level })
  }
  return { state, decisions }
}

function quarantined(
  state: ConductState,
  because: CountedKind,
  counted: Counts,
  atMs: number,
  policy: ConductPolicy,
): Step {
  const level = Math.min(state.level + 1, policy.maxQuarantineLevel)
  const untilMs = atMs + quarantineMs(level, policy)
  const reason = `${countOf(because, counted[because])} within ${policy.windowMinutes} min`
  const quarantine = { sinceMs: atMs, untilMs, reason }
  return {
    state: { ...state, level, quarantine, halvings: 0, windows: noWindows },
    decisions: [{ kind: 'quarantine', atMs, level, counted, because, untilMs }],
  }
}

/** The first budget violations of a window are warnings, each further one halves the rate. */
function slowed(
  state: ConductState,
  before: Counts,
  after: Counts,
  halvingsMax: number,
  policy: ConductPolicy,
): number {
  const spared = Math.max(before.budget, policy.throttleFromBudgetViolation - 1)
  const more = Math.max(0, after.budget - spared)
  return Math.max(state.halvings, Math.min(halvingsMax, state.halvings + more))
}

function violated(
  state: ConductState,
  { counts, halvingsMax }: Extract<ConductEvent, { kind: 'violated' }>,
  atMs: number,
  policy: ConductPolicy,
): Step {
  if (!someOf(counts)) return { state, decisions: [] }
  const totals = addCounts(state.totals, counts)
  // It is on its way out: what it does meanwhile is part of what it is out for.
  if (state.quarantine !== null) return { state: { ...state, totals }, decisions: [] }
  const before = countWindows(state.windows, atMs, windowMs(policy))
  const windows = addToWindows(state.windows, counts, atMs, windowMs(policy))
  const counted = countWindows(windows, atMs, windowMs(policy))
  const marked = { ...state, totals, windows, restoreFromMs: atMs, decayFromMs: atMs }
  const because = overThreshold(counted, thresholdsOf(policy))
  if (because !== undefined) return quarantined(marked, because, counted, atMs, policy)
  const halvings = slowed(state, before, counted, halvingsMax, policy)
  const { level } = state
  if (halvings > state.halvings) {
    return { state: { ...marked, halvings }, decisions: [{ kind: 'throttle', atMs, level, counted, halvings }] }
  }
  const warns = before.budget === 0 && counted.budget > 0
  return { state: marked, decisions: warns ? [{ kind: 'warn', atMs, level, counted }] : [] }
}

/** Whether there is anything to release it from: a quarantine, a lower rate, or counts that lead there. */
const isTroubled = ({ quarantine, halvings, windows }: ConductState, nowMs: number, policy: ConductPolicy): boolean =>
  quarantine !== null || halvings > 0 || someOf(countWindows(windows, nowMs, windowMs(policy)))

/** The level stays: who is back there soon is out for longer. */
function released(state: ConductState, atMs: number, policy: ConductPolicy): Step {
  if (!isTroubled(state, atMs, policy)) return { state, decisions: [] }
  const { level, quarantine } = state
  const free = { ...state, quarantine: null, halvings: 0, windows: noWindows, restoreFromMs: atMs, decayFromMs: atMs }
  return { state: free, decisions: [{ kind: 'release', atMs, level, wasQuarantined: quarantine !== null }] }
}

function happened(state: ConductState, event: ConductEvent, nowMs: number, policy: ConductPolicy): Step {
  switch (event.kind) {
    case 'violated':
      return violated(state, event, nowMs, policy)
    case 'released':
      return released(state, nowMs, policy)
    case 'due':
      return { state, decisions: [] }
  }
}

/** The conduct of one plugin after an event at rig time `nowMs`, which is not before that of the event before. */
export function next(before: ConductState, event: ConductEvent, nowMs: number, policy: ConductPolicy): Step {
  const settled = settle(before, nowMs, policy)
  const step = happened(settled.state, event, nowMs, policy)
  return { state: step.state, decisions: [...settled.decisions, ...step.decisions] }
}
