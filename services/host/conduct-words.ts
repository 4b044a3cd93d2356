import { bySomebody } from '../../rpc/peer.ts'
import type { Decided } from './audit-chain.ts'
import { type ClockMark, wallOf } from './conduct-clock.ts'
import { type ConductPolicy, type Counts, countedKinds, countOf, slowedHz } from './conduct-policy.ts'
import type { Decision } from './conduct-state.ts'
import type { PluginClass } from './manifest-schema.ts'
import type { InstalledPlugin } from './registry.ts'

/** Whose conduct it is, as far as anybody knows. */
export interface Someone {
  /** The name of its directory. */
  readonly directory: string
  readonly pluginClass: PluginClass
  /** That of its manifest; 0: it runs when somebody asks. */
  readonly rateHz: number
}

export interface DecisionFacts {
  readonly id: string
  /** Undefined of a plugin that is not installed any more. */
  readonly someone: Someone | undefined
  /** Evidence of what was seen newly, clauses. */
  readonly details: readonly string[]
  /** Of what somebody asked for: why, as they put it. May be empty. */
  readonly why: string
  readonly clock: ClockMark
  readonly policy: ConductPolicy
}

/** The plugin with this id; undefined where none is installed. */
export function whoIs(plugins: readonly InstalledPlugin[], id: string): Someone | undefined {
  const found = plugins.find(({ manifest, problem }) => problem === null && manifest?.id === id)
  if (!found?.manifest) return undefined
  const { pluginClass, constraints } = found.manifest
  return { directory: found.directory, pluginClass, rateHz: constraints.updateRateHz }
}

const time = (clock: ClockMark, atMs: number): string => new Date(wallOf(clock, atMs)).toISOString()

/** `2 crashes and 1 timeout violation within 60 min`. */
function tell(counted: Counts, { policy }: DecisionFacts): string {
  const some = countedKinds.filter((kind) => counted[kind] > 0).map((kind) => countOf(kind, counted[kind]))
  return `${some.join(' and ')} within ${policy.windowMinutes} min`
}

function rate(halvings: number, { someone, policy }: DecisionFacts): string {
  if (halvings === 0) return 'it runs at its own rate'
  if (someone === undefined) return `its rate is halved ${halvings === 1 ? 'once' : `${halvings} times`}`
  const { pluginClass, rateHz } = someone
  return `it runs at ${slowedHz(pluginClass, rateHz, halvings, policy)} Hz of its ${rateHz} Hz`
}

function reasonOf(decision: Decision, facts: DecisionFacts): string {
  const { clock, policy, details, why } = facts
  const newest = details.length === 0 ? '' : ` (${details.join('; ')})`
  switch (decision.kind) {
    case 'warn':
      return `${tell(decision.counted, facts)}${newest}`
    case 'throttle':
      return `${tell(decision.counted, facts)}${newest}; ${rate(decision.halvings, facts)}`
    case 'restore':
      return `clean for ${policy.restoreAfterMinutes} min; ${rate(decision.halvings, facts)}`
    case 'quarantine':
      return `${tell(decision.counted, facts)}${newest}; level ${decision.level}, until ${time(clock, decision.untilMs)}`
    case 'quarantine ended':
      return 'its time is over; its level stays until it was clean for long enough'
    case 'level lowered':
      return `clean for ${policy.levelDecayHours} h; its level is ${decision.level}`
    case 'release':
      return `released by the operator${why === '' ? '' : `: ${why}`}`
  }
}

/** A decision for the audit log. */
export function decidedOf(decision: Decision, facts: DecisionFacts): Decided {
  const { id, someone, clock } = facts
  const counted = 'counted' in decision ? decision.counted : {}
  return {
    kind: 'plugin',
    subject: someone?.directory ?? id,
    decision: decision.kind,
    reason: reasonOf(decision, facts),
    evidence: {
      ...{ plugin_id: id, level: decision.level, since: time(clock, decision.atMs) },
      ...('untilMs' in decision ? { until: time(clock, decision.untilMs), because: decision.because } : {}),
      ...('wasQuarantined' in decision ? { was_quarantined: decision.wasQuarantined } : {}),
      ...('halvings' in decision ? { halvings: decision.halvings } : {}),
      ...counted,
      ...(decision.kind === 'release' ? bySomebody() : {}),
    },
  }
}
