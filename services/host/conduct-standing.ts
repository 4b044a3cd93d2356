import { type ClockMark, wallOf } from './conduct-clock.ts'
import { type ConductPolicy, type Counts, windowMs } from './conduct-policy.ts'
import { type ConductState, dueMs } from './conduct-state.ts'
import { countWindows, someOf } from './conduct-window.ts'

/** What a plugin may do now. Times: ms since 1970 as the wall clock shows them, unless it is set meanwhile. */
export type Standing = { readonly level: number } & (
  | {
      readonly kind: 'free'
      /** How often its rate is halved: slowedHz() of conduct-policy.ts says to what. */
      readonly halvings: number
      /** There are budget violations that still count. */
      readonly warned: boolean
    }
  | {
      /** It is not to run. */
      readonly kind: 'quarantined'
      readonly sinceMs: number
      readonly untilMs: number
      /** A clause. */
      readonly reason: string
    }
)

/** The standing of a plugin, and what it is made of. */
export interface PluginConduct {
  readonly id: string
  readonly standing: Standing
  /** What still counts against it. */
  readonly counted: Counts
  /** Everything that was ever counted. */
  readonly totals: Counts
  /** When time alone changes something, as the wall clock shows it; undefined: never. */
  readonly dueMs: number | undefined
}

function standingIn({ level, quarantine, halvings }: ConductState, counted: Counts, clock: ClockMark): Standing {
  if (quarantine === null) return { kind: 'free', level, halvings, warned: counted.budget > 0 }
  const { sinceMs, untilMs, reason } = quarantine
  return { kind: 'quarantined', level, reason, sinceMs: wallOf(clock, sinceMs), untilMs: wallOf(clock, untilMs) }
}

/** A state as it stands at a moment. */
export function viewOf(id: string, state: ConductState, clock: ClockMark, policy: ConductPolicy): PluginConduct {
  const counted = countWindows(state.windows, clock.rigMs, windowMs(policy))
  const due = dueMs(state, policy)
  const standing = standingIn(state, counted, clock)
  return { id, standing, counted, totals: state.totals, dueMs: due === undefined ? undefined : wallOf(clock, due) }
}

/** Whether there is something to say of it. */
export const isNotable = ({ standing, counted }: PluginConduct): boolean =>
  standing.kind === 'quarantined' || standing.level > 0 || standing.halvings > 0 || someOf(counted)
