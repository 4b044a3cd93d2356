import { type CallCounts, noCalls, sumOf } from './call-counts.ts'
import { type KeptPlugin, minuteMs, type PluginNews } from './history-store.ts'
import { countedUpTo, countsBetween, type PluginReading } from './plugin-reading.ts'

type Minutes = PluginNews['minutes']

interface Entry {
  readonly reading: PluginReading | undefined
  /** Without what is taken and what is not. */
  readonly before: CallCounts
  /** Taken, and not added yet: that is done plugin by plugin, when there is something new about it. */
  readonly taken: Minutes
  /** Not taken yet, by the beginning of their minute. */
  readonly minutes: Minutes
}

const none: Minutes = new Map()
const nothing: Entry = { reading: undefined, before: noCalls, taken: none, minutes: none }

const plusMinutes = (calls: CallCounts, minutes: Minutes): CallCounts => minutes.values().reduce(sumOf, calls)

/** What plugins' calls came to, in memory. */
export interface HistoryLedger {
  /** Forgets everything and goes on from what is kept. */
  restore(kept: readonly KeptPlugin[]): void
  /** False when the reading cannot be true: it is not counted, and counting goes on from it. */
  count(id: string, reading: PluginReading): boolean
  totalOf(id: string): CallCounts
  /** Calls that are not taken yet, of minutes that began at `fromMs` or later, and not after `toMs`. */
  newBetween(id: string, fromMs: number, toMs: number): CallCounts
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
      for (const { id, reading, total } of kept) entries.set(id, { ...nothing, reading, before: total })
    },
    count(id, now) {
      const entry = entryOf(id)
      const counted = countsBetween(entry.reading, now)
      const reading = counted === undefined ? now : countedUpTo(entry.reading, now, counted)
      if (counted === noCalls && entry.reading?.life === now.life) {
        entries.set(id, { ...entry, reading })
        return true // it did nothing, and is not written for that
      }
      const calls = counted ?? noCalls
      const minute = reading.atMs - (reading.atMs % minuteMs)
      const minutes =
        calls === noCalls
          ? entry.minutes
          : new Map(entry.minutes).set(minute, sumOf(entry.minutes.get(minute) ?? noCalls, calls))
      entries.set(id, { reading, before: plusMinutes(entry.before, entry.taken), taken: none, minutes })
      changed.add(id)
      return counted !== undefined
    },
    totalOf: (id) => {
      const { before, taken, minutes } = entryOf(id)
      return plusMinutes(plusMinutes(before, taken), minutes)
    },
    newBetween: (id, fromMs, toMs) =>
      entryOf(id)
        .minutes.entries()
        .filter(([startMs]) => startMs >= fromMs && startMs <= toMs)
        .reduce((sum, [, calls]) => sumOf(sum, calls), noCalls),
    take() {
      const news = [...changed].flatMap((id) => {
        const { reading, minutes } = entryOf(id)
        return reading === undefined ? [] : { id, reading, minutes }
      })
      // What was counted last has added what was taken before.
      for (const id of changed) entries.set(id, { ...entryOf(id), taken: entryOf(id).minutes, minutes: none })
      changed.clear()
      return news
    },
  }
}
