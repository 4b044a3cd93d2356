import { openSafeCalls, safeCallPlaces, safeCallWords } from '../../shm/slots.ts'

// A file with a place for each thread: whether it has an owner, whether guest code runs, two words of nothing, and the id
// of the plugin whose code that is. Only processes of this version write it; it outlives them.
const owned = 0
const running = 1
const idAt = 4

/** The sixteen bytes of a plugin's id. */
export type IdWords = Uint32Array

export function wordsOfId(id: string): IdWords {
  const hex = Buffer.from(id.replaceAll('-', ''), 'hex')
  return Uint32Array.from({ length: 4 }, (_, word) => hex.readUInt32BE(word * 4))
}

function idOfWords(words: Uint32Array): string {
  const hex = [...words].map((word) => word.toString(16).padStart(8, '0')).join('')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

/** What a thread writes before and after each call: a few stores into memory that outlives the process. */
export interface CallMark {
  begin(id: IdWords): void
  end(): void
}

/** `place`: one that was claimed for this thread. */
export function openCallMark(shmDir: string, place: number): CallMark {
  const words = openSafeCalls({ shmDir }).subarray(place * safeCallWords, (place + 1) * safeCallWords)
  return {
    begin(id) {
      words.set(id, idAt)
      Atomics.store(words, running, 1)
    },
    end: () => void Atomics.store(words, running, 0),
  }
}

/** The main thread's side. */
export interface CallRecord {
  /** The plugins whose code was running when the process that wrote the record ended. Empties the record. */
  takeUnfinished(): readonly string[]
  /** A place for a thread. */
  claim(): number
  /** The thread is gone. */
  release(place: number): void
}

/** Opens the record of a rig, or creates it. Throws SHARED_MEMORY_INVALID or PERMISSION_DENIED. */
export function openCallRecord(shmDir: string): CallRecord {
  const words = openSafeCalls({ shmDir })
  const all = Array.from({ length: safeCallPlaces }, (_, place) =>
    words.subarray(place * safeCallWords, (place + 1) * safeCallWords),
  )
  return {
    takeUnfinished() {
      const unfinished = all.filter((place) => Atomics.load(place, running) !== 0)
      const ids = unfinished.map((place) => idOfWords(place.slice(idAt, safeCallWords)))
      words.fill(0)
      return ids
    },
    claim() {
      const free = all.findIndex((place) => Atomics.compareExchange(place, owned, 0, 1) === 0)
      if (free < 0) throw new Error(`more than ${safeCallPlaces} threads`)
      return free
    },
    release: (place) => void all[place]?.fill(0),
  }
}
