/** Marks of a block. */
export const blockMark = {
  /** The fuel is looked at in it: every way round in a circle comes by such a block. */
  looks: 1,
  calls: 2,
} as const

/** Marks of a junction. */
export const junctionMark = {
  /** Everything that was executed is paid for, and nothing else: others may look. */
  exact: 1,
  /** The fuel has to be in the global: this is entered from within a call. */
  entered: 2,
  /** The function ends there. */
  exit: 4,
  /** A loop begins anew there. */
  loop: 8,
  /** A block begins at it before all that lead to it were read. */
  early: 16,
} as const

/** What happens in the middle of a block. */
export const eventKind = {
  call: 0,
  /** So many calls were made since the last look. */
  look: 1,
  /** Instructions whose work is the number on the stack; 64 bits wide, or limited to what memories or tables may have. */
  length: 2,
} as const
export const lengthKind = { wide: 4, ofMemory: 8, ofTable: 16 } as const

const room = 64

function grown<T extends Int32Array | Float64Array | Uint8Array>(array: T): T {
  const larger = new (array.constructor as new (length: number) => T)(array.length * 2)
  larger.set(array)
  return larger
}

/** Where the entry and the exit of a function are. */
export const entry = 0
export const exit = 1

/**
 * One function as blocks of code between junctions. A block is executed from its beginning to its end; from a junction
 * control goes on with any of the blocks that leave it. Junctions are joined as it turns out that control gets from one
 * to the other with nothing in between where anything could be charged: by a branch that is taken.
 *
 * Columns of numbers instead of objects, and one flow for all functions of a module: a large module has a million blocks.
 */
export class FunctionFlow {
  blocks = 0
  /** Offsets of the code: what belongs to the beginning and to the end is inserted there. */
  begins = new Int32Array(room)
  ends = new Int32Array(room)
  /** Instructions. */
  costs = new Float64Array(room)
  /** How often it is executed, in comparison: twice as often for two more. A guess. */
  ranks = new Uint8Array(room)
  from = new Int32Array(room)
  to = new Int32Array(room)
  marks = new Uint8Array(room)
  /** Number of its first event. */
  events = new Int32Array(room)

  eventCount = 0
  eventAt = new Int32Array(room)
  eventKinds = new Uint8Array(room)

  junctions = 0
  junctionMarks = new Uint8Array(room)
  #joined = new Int32Array(room)

  /** Instructions of the function, those that nothing reaches as well. */
  instructions = 0

  clear(): void {
    this.blocks = 0
    this.eventCount = 0
    this.junctions = 0
    this.instructions = 0
    this.junction(junctionMark.exact | junctionMark.entered)
    this.junction(junctionMark.exact | junctionMark.exit)
  }

  block(from: number, at: number, rank: number): number {
    const block = this.blocks++
    if (block === this.begins.length) this.#growBlocks()
    this.begins[block] = at
    this.ends[block] = at
    this.costs[block] = 0
    this.ranks[block] = rank
    this.from[block] = from
    this.marks[block] = 0
    this.events[block] = this.eventCount
    return block
  }

  event(at: number, kind: number): void {
    const event = this.eventCount++
    if (event === this.eventAt.length) {
      this.eventAt = grown(this.eventAt)
      this.eventKinds = grown(this.eventKinds)
    }
    this.eventAt[event] = at
    this.eventKinds[event] = kind
  }

  /** Behind the last event of a block. */
  eventsEnd(block: number): number {
    return block + 1 < this.blocks ? (this.events[block + 1] as number) : this.eventCount
  }

  junction(marks = 0): number {
    const junction = this.junctions++
    if (junction === this.#joined.length) {
      this.#joined = grown(this.#joined)
      this.junctionMarks = grown(this.junctionMarks)
    }
    this.#joined[junction] = junction
    this.junctionMarks[junction] = marks
    return junction
  }

  /** The number that stands for all junctions that were joined with this one. */
  find(junction: number): number {
    const joined = this.#joined
    let at = junction
    for (let next = joined[at] as number; next !== at; next = joined[at] as number) {
      joined[at] = joined[next] as number
      at = next
    }
    return at
  }

  join(a: number, b: number): number {
    const [first, second] = [this.find(a), this.find(b)]
    if (first === second) return first
    // The smaller number stays: those of the entry and the exit are known.
    const [stays, goes] = first < second ? [first, second] : [second, first]
    this.#joined[goes] = stays
    this.mark(stays, this.junctionMarks[goes] as number)
    return stays
  }

  mark(junction: number, marks: number): void {
    const root = this.find(junction)
    this.junctionMarks[root] = (this.junctionMarks[root] as number) | marks
  }

  #growBlocks(): void {
    this.begins = grown(this.begins)
    this.ends = grown(this.ends)
    this.costs = grown(this.costs)
    this.ranks = grown(this.ranks)
    this.from = grown(this.from)
    this.to = grown(this.to)
    this.marks = grown(this.marks)
    this.events = grown(this.events)
  }
}
