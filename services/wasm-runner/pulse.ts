import type { CallMark, IdWords } from './call-record.ts'

// Three words that the executor's thread and the main thread share: what runs, whether it goes on, and a bell.
const executing = 0
const progress = 1
const bell = 2

/** No plugin: tickets count from 1. */
const nobody = 0

export const createPulse = (): SharedArrayBuffer => new SharedArrayBuffer(12)

/** The executor's side. */
export interface PulseWriter {
  /** Guest code of this ticket begins to run. `id`: of its plugin, for the call record. */
  begin(ticket: number, id: IdWords): void
  /** It came back. */
  end(): void
  /** What the bell shows now; read it before looking for messages. */
  heard(): number
  /** Sleeps until the bell shows something other than `heard`, or for `ms`. */
  sleep(heard: number, ms: number): void
}

export function openPulseWriter(pulse: SharedArrayBuffer, record: CallMark): PulseWriter {
  const words = new Int32Array(pulse)
  const mark = (ticket: number): void => {
    Atomics.store(words, executing, ticket)
    Atomics.add(words, progress, 1)
  }
  return {
    begin(ticket, id) {
      record.begin(id)
      mark(ticket)
    },
    end() {
      mark(nobody)
      record.end()
    },
    heard: () => Atomics.load(words, bell),
    sleep: (heard, ms) => void Atomics.wait(words, bell, heard, ms),
  }
}

/** The main thread's side. */
export interface PulseReader {
  /** Wakes the executor. */
  ring(): void
  /** The ticket whose code runs now. */
  executing(): number | undefined
  /**
   * The ticket whose one call has been running for `limitMs`, where each call of this says how much time of its own the
   * thread had since the one before. So neither a machine that was suspended nor one that is busy elsewhere accuses
   * anybody.
   */
  stuckFor(limitMs: number, ownMs: number): number | undefined
}

export function openPulseReader(pulse: SharedArrayBuffer): PulseReader {
  const words = new Int32Array(pulse)
  let lastProgress = -1
  let sameMs = 0
  const running = (): number | undefined => {
    const ticket = Atomics.load(words, executing)
    return ticket === nobody ? undefined : ticket
  }
  return {
    ring() {
      Atomics.add(words, bell, 1)
      Atomics.notify(words, bell)
    },
    executing: running,
    stuckFor(limitMs, ownMs) {
      const now = Atomics.load(words, progress)
      const ticket = running()
      sameMs = ticket !== undefined && now === lastProgress ? sameMs + ownMs : 0
      lastProgress = now
      return sameMs >= limitMs ? ticket : undefined
    },
  }
}
