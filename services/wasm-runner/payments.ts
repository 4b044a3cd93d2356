import { blockMark, entry, type FunctionFlow, junctionMark } from './function-flow.ts'

/**
 * Decides which blocks of a function pay for what was executed.
 *
 * At a junction everybody who gets there has paid the same for the same: too much, or too little, by an amount that
 * belongs to the junction. A block pays what it costs, more by what is paid ahead behind it than before it. As long as
 * no two ways between two junctions are without payment, the amounts can be chosen so that a block pays nothing: the
 * blocks that pay nothing are a spanning tree of the junctions, and those that are executed most often are taken into it
 * first (T. Ball and J. R. Larus, Optimally profiling and tracing programs, 1994, where it is counters). At the entry,
 * the exit and around every call nothing is paid ahead: all of those are one junction here.
 */
export class Payments {
  /** By junction: the one that it is told from, and by how much more is paid ahead here. */
  #told = new Int32Array(64)
  #more = new Float64Array(64)
  /** Blocks by rank. */
  #order = new Int32Array(64)
  readonly #ranked = new Int32Array(513)

  /** What was paid ahead at the junction; what a block pays follows from it. */
  ahead(flow: FunctionFlow, junction: number): number {
    const its = flow.find(junction)
    this.#rootOf(its)
    return this.#told[its] === its ? 0 : (this.#more[its] as number)
  }

  decide(flow: FunctionFlow): void {
    this.#makeRoom(flow)
    for (let junction = 0; junction < flow.junctions; junction++) {
      const exact = ((flow.junctionMarks[junction] as number) & junctionMark.exact) !== 0
      this.#told[junction] = exact ? entry : junction
      this.#more[junction] = 0
    }
    this.#sort(flow)
    for (let index = 0; index < flow.blocks; index++) this.#free(flow, this.#order[index] as number)
  }

  /** Lets a block pay nothing, if that can still be chosen. */
  #free(flow: FunctionFlow, block: number): void {
    const [from, to] = [flow.find(flow.from[block] as number), flow.find(flow.to[block] as number)]
    const [a, b] = [this.#rootOf(from), this.#rootOf(to)]
    if (a === b) return
    const aheadOfA = from === a ? 0 : (this.#more[from] as number)
    const aheadOfB = to === b ? 0 : (this.#more[to] as number)
    const difference = aheadOfA - (flow.costs[block] as number) - aheadOfB
    if (b === entry) {
      this.#told[a] = b
      this.#more[a] = -difference
    } else {
      this.#told[b] = a
      this.#more[b] = difference
    }
  }

  /** The junction that this one is told from, directly from now on. */
  #rootOf(junction: number): number {
    const [told, more] = [this.#told, this.#more]
    let root = junction
    let sum = 0
    while (told[root] !== root) {
      sum += more[root] as number
      root = told[root] as number
    }
    for (let at = junction; at !== root; ) {
      const next = told[at] as number
      const its = more[at] as number
      told[at] = root
      more[at] = sum
      sum -= its
      at = next
    }
    return root
  }

  /** Those that are executed often first, and of those the ones that do not have the fuel at hand anyway. */
  #sort(flow: FunctionFlow): void {
    const place = (block: number): number =>
      2 * (255 - (flow.ranks[block] as number)) + ((flow.marks[block] as number) & blockMark.looks)
    const begins = this.#ranked.fill(0)
    for (let block = 0; block < flow.blocks; block++) {
      const its = place(block) + 1
      begins[its] = (begins[its] as number) + 1
    }
    for (let its = 1; its < begins.length; its++) begins[its] = (begins[its] as number) + (begins[its - 1] as number)
    for (let block = 0; block < flow.blocks; block++) {
      const its = place(block)
      const index = begins[its] as number
      begins[its] = index + 1
      this.#order[index] = block
    }
  }

  #makeRoom({ junctions, blocks }: FunctionFlow): void {
    if (this.#told.length < junctions) {
      this.#told = new Int32Array(junctions * 2)
      this.#more = new Float64Array(junctions * 2)
    }
    if (this.#order.length < blocks) this.#order = new Int32Array(blocks * 2)
  }
}
