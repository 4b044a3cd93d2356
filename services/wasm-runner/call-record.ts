import { createHash } from 'node:crypto'
import { openSafeCalls, safeCallPlaces, safeCallWords } from '../../shm/slots.ts'

// A file with a place for each thread: whether it has an owner, what goes on there, whether the host has counted that the
// process ended in it, a word of nothing, and the id of the plugin that it is about. Only processes of this version write
// it; it outlives them.
const owned = 0
const doing = 1
const counted = 2
const idAt = 4

/** What goes on with a plugin: its code runs, or it is compiled. */
export type Work = 'call' | 'compile'
const workNumbers: Readonly<Record<Work, number>> = { call: 1, compile: 2 }

/** Sixteen bytes that stand for a plugin's id: those of a UUID, and of a name its hash. */
export type IdWords = Uint32Array

export function wordsOfId(id: string): IdWords {
  const hex = id.replaceAll('-', '')
  const bytes = /^[0-9a-f]{32}$/i.test(hex) ? Buffer.from(hex, 'hex') : createHash('sha256').update(id).digest()
  return Uint32Array.from({ length: 4 }, (_, word) => bytes.readUInt32BE(word * 4))
}

/** The words of an id as a key. */
export const keyOfId = (id: string): string => wordsOfId(id).join()

/** The evidence against a plugin. */
export const endedInside = 'the process of the Safe plugins ended while the code of this one was running'

/** What is written before and after each call: a few stores into memory that outlives the process. */
export interface CallMark {
  begin(id: IdWords, work?: Work): void
  end(): void
}

/** `place`: one that was claimed for this thread. */
export function openCallMark(shmDir: string, place: number): CallMark {
  const words = openSafeCalls({ shmDir }).subarray(place * safeCallWords, (place + 1) * safeCallWords)
  return {
    begin(id, work = 'call') {
      words.set(id, idAt)
      Atomics.store(words, doing, workNumbers[work])
    },
    end: () => void Atomics.store(words, doing, 0),
  }
}

/** What went on when the process that wrote the record ended. */
export interface Unfinished {
  readonly work: Work
  /** The host has counted it. */
  readonly isCounted: boolean
}

const placesOf = (words: Uint32Array): readonly Uint32Array[] =>
  Array.from({ length: safeCallPlaces }, (_, place) =>
    words.subarray(place * safeCallWords, (place + 1) * safeCallWords),
  )

const keyIn = (place: Uint32Array): string => place.slice(idAt, safeCallWords).join()

/** The host's side, for the time between two processes. */
export interface EndedCalls {
  /**
   * Has the plugins counted in whose code the process ended, by keys of their ids, each process once. Where `count` throws
   * they are not counted.
   */
  count(count: (keys: readonly string[]) => void): void
}

/** Opens the record of a rig, or creates it. Throws SHARED_MEMORY_INVALID or PERMISSION_DENIED. */
export function openEndedCalls(shmDir: string): EndedCalls {
  const all = placesOf(openSafeCalls({ shmDir }))
  return {
    count(count) {
      const ended = all.filter((place) => Atomics.load(place, doing) === workNumbers.call && place[counted] === 0)
      if (ended.length === 0) return
      count([...new Set(ended.map(keyIn))])
      for (const place of ended) place[counted] = 1
    },
  }
}

/** The main thread's side. */
export interface CallRecord {
  /** By keys of ids. Empties the record. */
  takeUnfinished(): ReadonlyMap<string, Unfinished>
  /** A place for a thread. */
  claim(): number
  /** The thread is gone. */
  release(place: number): void
}

/** Opens the record of a rig, or creates it. Throws SHARED_MEMORY_INVALID or PERMISSION_DENIED. */
export function openCallRecord(shmDir: string): CallRecord {
  const words = openSafeCalls({ shmDir })
  const all = placesOf(words)
  return {
    takeUnfinished() {
      const unfinished = new Map<string, Unfinished>()
      for (const place of all) {
        const work = Atomics.load(place, doing)
        if (work === 0) continue
        const isCounted = place[counted] !== 0
        unfinished.set(keyIn(place), { work: work === workNumbers.compile ? 'compile' : 'call', isCounted })
      }
      words.fill(0)
      return unfinished
    },
    claim() {
      const free = all.findIndex((place) => Atomics.compareExchange(place, owned, 0, 1) === 0)
      if (free < 0) throw new Error(`more than ${safeCallPlaces} threads`)
      return free
    },
    release: (place) => void all[place]?.fill(0),
  }
}
