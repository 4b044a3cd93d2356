import { type CallCounts, noCalls, sumOf } from './call-counts.ts'
import { type KeptPlugin, minuteMs, type PluginNews } from './history-store.ts'
import { countsBetween, type PluginReading } from './plugin-reading.ts'

interface Entry {
  readonly reading: PluginReading | undefined
  readonly total: CallCounts
  /** Not written yet, by the beginning of their minute. */
  readonly minutes: ReadonlyMap<number, CallCounts>
}

const nothing: Entry = { reading: undefined, total: noCalls, minutes: new Map() }

/** What plugins' calls came to, in memory. */
export interface HistoryLedger {
  /** Forgets everything and goes on from what is kept. */
  restore(kept: readonly KeptPlugin[]): void
  /** False when the reading cannot be true: it is not counted, and counting goes on from it. */
  count(id: string, reading: PluginReading): boolean
  totalOf(id: string): CallCounts
  /** Calls that are not taken yet, of minutes that began at `fromMs` or later. */
  newSince(id: string, fromMs: number): CallCounts
  /** What is new about each plugin since the last time. */
  take(): readonly PluginNews[]
}

export function createHistoryLedger(): HistoryLedger {
  const entries = new Map<string, Entry>()
  const changed = new Set<string>()
  const entryOf = (id: string): Entry => entries.get(id) ?? nothing

  return {
    restore(kept) {
      entries.clear()
      changed.clear()
      for (const { id, ...known } of kept) entries.set(id, { ...known, minutes: new Map() })
    },
    count(id, reading) {
      const before = entryOf(id)
      const counted = countsBetween(before.reading, reading)
      // A plugin that did nothing is not written, and needs no other reading than the one that is kept.
      if (counted === noCalls && before.reading?.life === reading.life) return true
      const calls = counted ?? noCalls
      const minute = reading.atMs - (reading.atMs % minuteMs)
      const minutes =
        calls === noCalls
          ? before.minutes
          : new Map(before.minutes).set(minute, sumOf(before.minutes.get(minute) ?? noCalls, calls))
      entries.set(id, { reading, total: sumOf(before.total, calls), minutes })
      changed.add(id)
      return counted !== undefined
    },
    totalOf: (id) => entryOf(id).total,
    newSince: (id, fromMs) =>
      entryOf(id)
        .minutes.entries()
        .filter(([startMs]) => startMs >= fromMs)
        .reduce((sum, [, calls]) => sumOf(sum, calls), noCalls),
    take() {
      const news = [...changed].flatMap((id) => {
        const { reading, minutes } = entryOf(id)
        return reading === undefined ? [] : { id, reading, minutes }
      })
      for (const id of changed) entries.set(id, { ...entryOf(id), minutes: new Map() })
      changed.clear()
      return news
    },
  }
}
