import {
  PluginPhase,
  ViolationKind,
  type Violation as ViolationMessage,
} from '../../gen/proto/openracing/v1/statistics.ts'

const messageKind = {
  crash: ViolationKind.VIOLATION_KIND_CRASH,
  capability: ViolationKind.VIOLATION_KIND_CAPABILITY,
  timeout: ViolationKind.VIOLATION_KIND_TIMEOUT,
  memory: ViolationKind.VIOLATION_KIND_MEMORY,
  budget: ViolationKind.VIOLATION_KIND_BUDGET,
} as const

/** Something that a Safe plugin did and must not do. */
export interface Violation {
  readonly kind: keyof typeof messageKind
  /** The evidence, a sentence without its full stop. */
  readonly detail: string
  /** The host knows of it, and has counted it. */
  readonly counted?: boolean
}

/** What one plugin has done since it was loaded. */
export interface Violations {
  /** `nowMs`: since 1970. */
  charge(violation: Violation, nowMs: number): void
  /** At most one of each kind: how many, and the newest. */
  snapshot(): ViolationMessage[]
  /** How many of them the host has counted by itself. */
  counted(): number
}

export function createViolations(): Violations {
  const charged = new Map<Violation['kind'], ViolationMessage>()
  let counted = 0
  return {
    charge({ kind, detail, counted: isCounted = false }, nowMs) {
      if (isCounted) counted += 1
      charged.set(kind, {
        kind: messageKind[kind],
        count: (charged.get(kind)?.count ?? 0n) + 1n,
        detail,
        phase: PluginPhase.PLUGIN_PHASE_UNSPECIFIED,
        sequence: 0,
        lastTimeUnixUs: BigInt(nowMs) * 1000n,
      })
    },
    snapshot: () => [...charged.values()],
    counted: () => counted,
  }
}
