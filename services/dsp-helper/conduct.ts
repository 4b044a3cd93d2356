import type { PluginPhase, PluginReport } from '../../shm/plugin-report.ts'
import type { SlotCounts } from '../../shm/rig-window.ts'

export const violationKinds = [
  'crash',
  'capability',
  'timeout',
  'memory',
  'budget',
  'result',
  'not-finite',
  'protocol',
] as const
export type ViolationKind = (typeof violationKinds)[number]

/** Something that a plugin did and must not do, with the evidence. */
export interface Violation {
  readonly kind: ViolationKind
  /** A sentence without its full stop. */
  readonly detail: string
  /** Null where it is not known. */
  readonly phase: PluginPhase | null
  /** Of the frame that it had; 0: none. */
  readonly sequence: number
}

/** All violations of one kind: how many, and the newest. */
export interface Charge extends Violation {
  readonly count: number
  /** ms since 1970. */
  readonly lastMs: number
}

/** The loop's counters of one life, as they were when they were last charged. */
interface CountedLife {
  readonly life: number
  readonly budget: number
  readonly inTheWay: number
  readonly results: number
  readonly notFinite: number
  /** Calls that its process did not come back from. */
  readonly unreturned: number
}

/** The same of what a process counts itself. */
interface CountedProcess {
  readonly instance: number
  readonly refused: number
  readonly allocations: number
}

/** What one plugin has done in this rig, whatever process and version it did it in. */
export interface Conduct {
  /** At most one of each kind. */
  readonly charges: readonly Charge[]
  /** Allocations during process(): a finding, not a violation. */
  readonly allocations: number
  readonly life: CountedLife
  /** The process that is in the chain, and one that is to replace it. */
  readonly processes: readonly CountedProcess[]
}

const newLife = (life: number): CountedLife => ({
  ...{ life, budget: 0, inTheWay: 0, results: 0, notFinite: 0, unreturned: 0 },
})
const newProcess = (instance: number): CountedProcess => ({ instance, refused: 0, allocations: 0 })

export const blameless: Conduct = { charges: [], allocations: 0, life: newLife(0), processes: [] }

/** A process may make its counters up: what is beyond JSON's numbers is as good as the largest of them. */
const whole = (counter: bigint): number => Number(counter < Number.MAX_SAFE_INTEGER ? counter : Number.MAX_SAFE_INTEGER)
const sum = (a: number, b: number): number => Math.min(a + b, Number.MAX_SAFE_INTEGER)
const growth = (now: number, before: number): number => Math.max(0, now - before)

/** The conduct after `count` more violations of a kind, of which this is the newest. */
export function charge(conduct: Conduct, violation: Violation, count: number, nowMs: number): Conduct {
  if (count <= 0) return conduct
  const before = conduct.charges.find(({ kind }) => kind === violation.kind)
  const others = conduct.charges.filter((other) => other !== before)
  const newest = { ...violation, count: sum(before?.count ?? 0, count), lastMs: nowMs }
  return { ...conduct, charges: [...others, newest] }
}

const ends: ReadonlySet<ViolationKind> = new Set(['crash', 'capability', 'timeout'])

/** The conduct after the process of `life` ended as it did: whether a call ended with it. */
export function countUnreturned(conduct: Conduct, life: number, { kind, phase }: Violation): Conduct {
  if (phase !== 'processing' || !ends.has(kind)) return conduct
  const before = conduct.life.life === 0 ? newLife(life) : conduct.life
  // A seat that was replaced meanwhile: what it counted was charged, and is not to be begun anew.
  return before.life === life ? { ...conduct, life: { ...before, unreturned: sum(before.unreturned, 1) } } : conduct
}

/** Of the life that is counted now; 0 of any other. */
export const unreturnedOf = ({ life }: Conduct, of: number): number => (life.life === of ? life.unreturned : 0)

/** What the loop knows about a plugin. */
export interface LoopCounters {
  readonly counts: SlotCounts
  /** CPU time of the longest call so far, ns. */
  readonly longestNs: bigint
  readonly budgetUs: number
}

/** The conduct after what the loop counted since the last time. */
export function chargeCounts(conduct: Conduct, { counts, longestNs, budgetUs }: LoopCounters, nowMs: number): Conduct {
  const before = conduct.life.life === counts.life ? conduct.life : newLife(counts.life)
  const life = {
    life: counts.life,
    budget: whole(counts.budgetViolations),
    inTheWay: whole(counts.inTheWay),
    results: whole(counts.failures),
    notFinite: whole(counts.nonFinite),
    unreturned: before.unreturned,
  }
  const longestUs = (Number(longestNs) / 1000).toFixed(1)
  const grown: readonly (readonly [ViolationKind, number, string])[] = [
    [
      'budget',
      life.budget - before.budget,
      `a call used more CPU time than its ${budgetUs} µs; the longest used ${longestUs} µs`,
    ],
    [
      'budget',
      life.inTheWay - before.inTheWay,
      'it computed on after its answer, while the loop waited for another plugin',
    ],
    ['result', life.results - before.results, `process() returned ${counts.lastResult || 'another result'}, not 0`],
    ['not-finite', life.notFinite - before.notFinite, 'process() answered with a torque that is not finite'],
  ]
  return grown.reduce<Conduct>(
    (after, [kind, count, detail]) => charge(after, { kind, detail, phase: 'processing', sequence: 0 }, count, nowMs),
    { ...conduct, life },
  )
}

/** The conduct after what a process counted since the last time. `limit`: of its memory, bytes. */
export function chargeReport(
  conduct: Conduct,
  instance: number,
  report: PluginReport,
  limit: bigint,
  nowMs: number,
): Conduct {
  const before = conduct.processes.find((process) => process.instance === instance) ?? newProcess(instance)
  const now = { instance, refused: whole(report.memoryRefused), allocations: whole(report.allocations) }
  const refused: Violation = {
    kind: 'memory',
    detail: `it was refused memory at its limit of ${limit} bytes`,
    phase: null,
    sequence: 0,
  }
  const others = conduct.processes.filter((process) => process.instance !== instance)
  const allocations = sum(conduct.allocations, growth(now.allocations, before.allocations))
  const counted = { ...conduct, allocations, processes: [...others.slice(-1), now] }
  return charge(counted, refused, growth(now.refused, before.refused), nowMs)
}
