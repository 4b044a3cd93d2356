import type { FastPlugin } from '../../gen/proto/openracing/v1/dsp_helper.ts'
import { type Violation, ViolationKind } from '../../gen/proto/openracing/v1/statistics.ts'
import type { SafePlugin } from '../../gen/proto/openracing/v1/wasm_runner.ts'
import { onOneLine } from '../../input/one-line.ts'
import type { CountedKind } from './conduct-policy.ts'
import type { PluginClass } from './manifest-schema.ts'

/** What a service counts of one plugin, as this host understands it. */
export interface ServiceReport {
  readonly pluginClass: PluginClass
  /** One for each id. */
  readonly plugins: readonly ReportedPlugin[]
}

export interface ReportedPlugin {
  readonly id: string
  /** Names the counters: one with another name began anew. */
  readonly name: string
  /** One for each word; none that counted nothing. */
  readonly tallies: readonly ReportedTally[]
}

export interface ReportedTally {
  readonly word: ViolationWord
  /** What it counts as; null: a finding, which follows nothing. */
  readonly as: CountedKind | null
  readonly count: number
  /** Of the newest one, µs since 1970 by the clock of the service. */
  readonly lastUs: number
  /** Evidence of the newest one, on one line. */
  readonly detail: string
}

export const violationWords = [
  ...['crash', 'capability', 'timeout', 'memory', 'budget', 'result', 'not-finite', 'protocol'],
] as const satisfies readonly string[]
export type ViolationWord = (typeof violationWords)[number]

interface Meaning {
  readonly word: ViolationWord
  readonly as: Readonly<Record<PluginClass, CountedKind | null>>
}

const counts = (word: ViolationWord, as: CountedKind): Meaning => ({ word, as: { Safe: as, Fast: as } })

/**
 * What each kind of the wire is in the table of budgets. A crash is a trap, a signal, a result that is not 0, or an exit;
 * whoever breaks the memory that it shares is ended for it. Budget violations are those of the violations, not those of
 * the statistics, which begin anew with each process.
 */
const meanings: Readonly<Record<ViolationKind, Meaning | null>> = {
  [ViolationKind.VIOLATION_KIND_UNSPECIFIED]: null,
  [ViolationKind.VIOLATION_KIND_CRASH]: counts('crash', 'crash'),
  [ViolationKind.VIOLATION_KIND_CAPABILITY]: counts('capability', 'capability'),
  [ViolationKind.VIOLATION_KIND_TIMEOUT]: counts('timeout', 'timeout'),
  // A Fast plugin got none, and goes on. A Safe one that is charged with it has taken its thread along.
  [ViolationKind.VIOLATION_KIND_MEMORY]: { word: 'memory', as: { Safe: 'crash', Fast: null } },
  [ViolationKind.VIOLATION_KIND_BUDGET]: counts('budget', 'budget'),
  [ViolationKind.VIOLATION_KIND_RESULT]: counts('result', 'crash'),
  // The loop makes 0 of it, and nothing ends.
  [ViolationKind.VIOLATION_KIND_NOT_FINITE]: { word: 'not-finite', as: { Safe: null, Fast: null } },
  [ViolationKind.VIOLATION_KIND_PROTOCOL]: counts('protocol', 'crash'),
}

/** Longest id that counts: a UUID has 36 characters, and a name of MIDIMon's 64. */
const idMax = 128
/** Longest evidence that is kept, characters. */
const detailMax = 300

const whole = (counter: bigint): number => Number(counter < Number.MAX_SAFE_INTEGER ? counter : Number.MAX_SAFE_INTEGER)

/** `counted`: so many of its crashes the host has counted by itself. */
function readTally(
  { kind, count: told, lastTimeUnixUs, detail }: Violation,
  pluginClass: PluginClass,
  counted: number,
): ReportedTally | undefined {
  const meaning = meanings[kind] // undefined of a kind that a newer service has
  const count = whole(told) - (kind === ViolationKind.VIOLATION_KIND_CRASH ? counted : 0)
  if (!meaning || count <= 0) return undefined
  const { word, as } = meaning
  return {
    ...{ word, as: as[pluginClass], count, lastUs: whole(lastTimeUnixUs) },
    detail: onOneLine(detail.slice(0, detailMax)),
  }
}

const firstOf = <Item, Key>(items: readonly Item[], keyOf: (item: Item) => Key): readonly Item[] => [
  ...new Map(items.toReversed().map((item) => [keyOf(item), item])).values(),
]

function read(pluginClass: PluginClass, plugins: readonly (SafePlugin | FastPlugin)[], nameOf: (at: number) => string) {
  const reported = plugins.map((plugin, at): ReportedPlugin => {
    const { id, violations } = plugin
    const counted = 'crashesCounted' in plugin ? plugin.crashesCounted : 0
    const tallies = violations.flatMap((violation) => readTally(violation, pluginClass, counted) ?? [])
    return { id, name: nameOf(at), tallies: firstOf(tallies, ({ word }) => word) }
  })
  const named = reported.filter(({ id }) => id !== '' && id.length <= idMax)
  return { pluginClass, plugins: firstOf(named, ({ id }) => id) }
}

/** What the wasm-runner counts: since the load that `life` names. */
export const readSafe = (plugins: readonly SafePlugin[]): ServiceReport =>
  read('Safe', plugins, (at) => `${plugins[at]?.life}`)

/** What the dsp-helper counts: for as long as the plugin is in the chain, whatever was replaced meanwhile. */
export const readFast = (plugins: readonly FastPlugin[]): ServiceReport =>
  read('Fast', plugins, (at) => `${plugins[at]?.tenure}`)
