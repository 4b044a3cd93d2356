/** What one tick of one plugin came to. */
export interface TickEntry {
  /** Names the plugin; a new number for each load. */
  readonly ticket: number
  /** CPU time of the tick, ns. */
  readonly cpuNs: number
  /** Fuel that the tick used, in units of one instruction; of one that trapped, what it was given at the most. */
  readonly fuel: number
  /** The calls came back; false when one trapped, which is reported as a loss. */
  readonly returned: boolean
  /** The calls came back, and one of them with an error. */
  readonly failed: boolean
  /**
   * The calls came back, and took more than the plugin's budget. A tick is charged once: one that did not come back is
   * charged with how it ended.
   */
  readonly overBudget: boolean
  /** Ticks before this one that were skipped because the executor was late. */
  readonly missed: number
  /** How long after it was due the tick began, ns. */
  readonly lateNs: number
}

/** Entries that wait to be read. The reader comes every 100 ms: room for 1000 plugins at 200 Hz, three times over. */
const entriesMax = 65_536

// Two counters that only grow, modulo 2^32, each with one writer; then the entries, six numbers each.
const headerBytes = 16
const written = 0
const read = 1
const dropped = 2
const fields = 6
const flag = { returned: 1, failed: 2, overBudget: 4 }

/**
 * The way of the counts from the executor's thread to the main thread. It is shared memory so that they survive the
 * thread: what was written before it was terminated is still read.
 */
export const createLedger = (): SharedArrayBuffer => new SharedArrayBuffer(headerBytes + entriesMax * fields * 8)

const openLedger = (ledger: SharedArrayBuffer) => ({
  counters: new Int32Array(ledger, 0, headerBytes / 4),
  entries: new Float64Array(ledger, headerBytes),
})

/** The executor's side. An entry for which there is no room is counted and dropped. */
export function openLedgerWriter(ledger: SharedArrayBuffer): (entry: TickEntry) => void {
  const { counters, entries } = openLedger(ledger)
  return (entry) => {
    const next = Atomics.load(counters, written)
    if ((next - Atomics.load(counters, read)) >>> 0 >= entriesMax) {
      Atomics.add(counters, dropped, 1)
      return
    }
    const at = ((next >>> 0) % entriesMax) * fields
    entries[at] = entry.ticket
    entries[at + 1] = entry.cpuNs
    entries[at + 2] =
      (entry.returned ? flag.returned : 0) | (entry.failed ? flag.failed : 0) | (entry.overBudget ? flag.overBudget : 0)
    entries[at + 3] = entry.missed
    entries[at + 4] = entry.fuel
    entries[at + 5] = entry.lateNs
    Atomics.store(counters, written, (next + 1) | 0)
  }
}

export interface LedgerReader {
  /** Takes every entry that was written so far, in order. */
  drain(each: (entry: TickEntry) => void): void
  /** Entries that were dropped since the last time this was asked. */
  takeDropped(): number
}

export function openLedgerReader(ledger: SharedArrayBuffer): LedgerReader {
  const { counters, entries } = openLedger(ledger)
  const entryAt = (at: number): TickEntry => {
    const flags = entries[at + 2] as number
    return {
      ticket: entries[at] as number,
      cpuNs: entries[at + 1] as number,
      returned: (flags & flag.returned) !== 0,
      failed: (flags & flag.failed) !== 0,
      overBudget: (flags & flag.overBudget) !== 0,
      missed: entries[at + 3] as number,
      fuel: entries[at + 4] as number,
      lateNs: entries[at + 5] as number,
    }
  }
  return {
    drain(each) {
      const end = Atomics.load(counters, written)
      for (let next = Atomics.load(counters, read); next !== end; next = (next + 1) | 0) {
        each(entryAt(((next >>> 0) % entriesMax) * fields))
      }
      Atomics.store(counters, read, end)
    },
    takeDropped: () => Atomics.exchange(counters, dropped, 0),
  }
}
