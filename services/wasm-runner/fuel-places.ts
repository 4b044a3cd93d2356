import { type FuelCode, fuelCode } from './fuel-code.ts'
import { blockMark, eventKind, type FunctionFlow, junctionMark } from './function-flow.ts'
import type { Payments } from './payments.ts'

/** Where the fuel is. Bits, so that a junction can hold those of all who come to it. */
const place = { undecided: 0, global: 1, local: 2, both: 4 } as const
const passing = { unknown: 0, yes: 1, no: 2 } as const

/**
 * Decides where a function keeps the fuel, and writes down what that and its payments come to.
 *
 * The fuel has to be in the global where another function may see it: at the entry, the exit and every call. Loops keep
 * it in a local, and so does what comes after something that needed it there anyway. At a junction it is in the same
 * place whatever way was taken; where that is follows from who gets there first.
 */
export class FuelPlaces {
  /** By junction: where the fuel is; and before that is decided, where those have it who come. */
  #decided = new Uint8Array(64)
  #coming = new Uint8Array(64)
  /** By junction: nothing that leaves it needs the fuel before others do. */
  #passes = new Uint8Array(64)
  #pays = new Float64Array(64)

  write(flow: FunctionFlow, payments: Payments, out: FuelCode): void {
    this.#makeRoom(flow)
    out.clear()
    for (let block = flow.blocks - 1; block >= 0; block--) this.#lookAhead(flow, payments, block)
    for (let block = 0; block < flow.blocks; block++) this.#follow(flow, block)
    for (let block = 0; block < flow.blocks; block++) this.#writeBlock(flow, payments, block, out)
  }

  #at(flow: FunctionFlow, junction: number): number {
    const its = flow.find(junction)
    const decided = this.#decided[its] as number
    if (decided !== place.undecided) return decided
    const deciding = this.#decide(its, flow.junctionMarks[its] as number)
    this.#decided[its] = deciding
    return deciding
  }

  #decide(junction: number, marks: number): number {
    const coming = this.#coming[junction] as number
    if (marks & junctionMark.entered) return place.global
    if (marks & junctionMark.loop) return place.local
    // Who goes on because a branch out of the function was not taken goes on with what it has.
    if (marks & junctionMark.exit)
      return marks & junctionMark.early && coming !== place.global ? place.both : place.global
    if (this.#passes[junction] === passing.yes || coming === place.global || coming === place.undecided) {
      return place.global
    }
    return coming & place.local || marks & junctionMark.early ? place.local : place.both
  }

  /** What a block pays, and whether the fuel is in its way: the last block first. */
  #lookAhead(flow: FunctionFlow, payments: Payments, block: number): void {
    const [from, to] = [flow.find(flow.from[block] as number), flow.find(flow.to[block] as number)]
    const pays = (flow.costs[block] as number) + payments.ahead(flow, to) - payments.ahead(flow, from)
    this.#pays[block] = pays
    const first = flow.events[block] as number
    const looks = ((flow.marks[block] as number) & blockMark.looks) !== 0
    const called = first < flow.eventsEnd(block)
    const next = called ? flow.eventKinds[first] === eventKind.call : this.#wantsGlobal(flow, to)
    const passes = pays === 0 && !looks && next
    if (!passes) this.#passes[from] = passing.no
    else if (this.#passes[from] === passing.unknown) this.#passes[from] = passing.yes
  }

  /** Whether who comes to a junction had better have the fuel in the global. */
  #wantsGlobal(flow: FunctionFlow, junction: number): boolean {
    const marks = flow.junctionMarks[junction] as number
    return (marks & (junctionMark.exit | junctionMark.entered)) !== 0 || this.#passes[junction] === passing.yes
  }

  /** Where a block that is entered with the fuel in one place leaves it if nobody asks for more. */
  #follow(flow: FunctionFlow, block: number): void {
    const to = flow.find(flow.to[block] as number)
    let now = this.#at(flow, flow.from[block] as number)
    const looks = ((flow.marks[block] as number) & blockMark.looks) !== 0
    if (this.#pays[block] !== 0 && (looks || now !== place.global || !this.#wantsGlobal(flow, to))) now = place.local
    if (looks && now === place.global) now = place.both
    const last = flow.eventsEnd(block) - 1
    if (last >= (flow.events[block] as number)) {
      now = flow.eventKinds[last] === eventKind.call ? place.global : place.local
    }
    this.#coming[to] = (this.#coming[to] as number) | now
  }

  #writeBlock(flow: FunctionFlow, payments: Payments, block: number, out: FuelCode): void {
    const [begins, ends, to] = [flow.begins[block] as number, flow.ends[block] as number, flow.to[block] as number]
    const [first, behind] = [flow.events[block] as number, flow.eventsEnd(block)]
    const looks = ((flow.marks[block] as number) & blockMark.looks) !== 0
    const ahead = payments.ahead(flow, to)
    const pays = this.#pays[block] as number
    const then = this.#at(flow, to)
    let now = this.#at(flow, flow.from[block] as number)

    const toLocal = (at: number): void => {
      if (now !== place.global) return
      out.insert(at, fuelCode.load)
      now = place.both
    }
    const toGlobal = (at: number): void => {
      if (now !== place.local) return
      out.insert(at, fuelCode.store)
      now = place.both
    }

    const next = first < behind ? flow.eventKinds[first] === eventKind.call : then === place.global
    if (pays !== 0 && now === place.global && next && !looks) out.insert(begins, fuelCode.pay, pays)
    else if (pays !== 0) {
      toLocal(begins)
      out.insert(begins, fuelCode.take, pays)
      now = place.local
    }
    if (looks) {
      toLocal(begins)
      if (next && ahead === 0) toGlobal(begins)
      out.insert(begins, now === place.both && ahead === 0 ? fuelCode.lookAtBoth : fuelCode.look, ahead)
    }
    for (let event = first; event < behind; event++) {
      const [at, kind] = [flow.eventAt[event] as number, flow.eventKinds[event] as number]
      if (kind === eventKind.call) {
        toGlobal(at)
        now = place.global
        continue
      }
      toLocal(at)
      if (kind === eventKind.look) out.insert(at, fuelCode.lookAtBoth)
      else {
        out.insert(at, fuelCode.length + (kind & ~eventKind.length), ahead)
        now = place.local
      }
    }
    if (then === place.local) toLocal(ends)
    else if (then === place.global) toGlobal(ends)
    else {
      toLocal(ends)
      toGlobal(ends)
    }
  }

  #makeRoom({ junctions, blocks }: FunctionFlow): void {
    if (this.#decided.length < junctions) {
      this.#decided = new Uint8Array(junctions * 2)
      this.#coming = new Uint8Array(junctions * 2)
      this.#passes = new Uint8Array(junctions * 2)
    } else {
      this.#passes.fill(0, 0, junctions)
      this.#decided.fill(0, 0, junctions)
      this.#coming.fill(0, 0, junctions)
    }
    if (this.#pays.length < blocks) this.#pays = new Float64Array(blocks * 2)
  }
}
