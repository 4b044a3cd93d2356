import { blockMark, entry, eventKind, exit, FunctionFlow, junctionMark } from './function-flow.ts'
import { code, gcCode, skipBlockType, skipCatches, skipImmediates, skipSimple } from './instructions.ts'
import { lengthOf, type ModuleFacts, memoryGrowUnits } from './lengths.ts'
import type { WasmBytes } from './wasm-bytes.ts'

/** A function that is longer than this looks at the fuel when it begins; a shorter one only where it loops or calls. */
const shortFunction = 256
/** Calls in a row without a look. With the above: at most 16 384 instructions more than those of a function in between. */
const callsBetweenLooks = 64

/** Ranks of blocks; two more is twice as often. That a loop is executed 16 times is a guess as good as others. */
const rank = {
  function: 64,
  loop: 8,
  arm: 2,
  afterBranch: 1,
  afterLoopBranch: 4,
  case: 3,
  never: 0,
  most: 255,
} as const

const none = -1

/** A block, loop, if or try that has not ended. */
interface Construct {
  readonly opcode: number
  /** Where branches to it go: none as long as there are none. */
  label: number
  /** Where control parted for the arms of an `if`. */
  readonly parted: number
  /** Rank of the code around it, and the highest of those that branch to its end. */
  readonly rank: number
  branches: number
  hasElse: boolean
}

/**
 * Reads a function's code, from behind its locals to its end, and takes it apart into blocks and what they cost.
 *
 * One unit is one instruction of the specification; `end`, `else` and the heads of catches are punctuation.
 */
export function createFlowReader(facts: ModuleFacts) {
  const flow = new FunctionFlow()
  const constructs: Construct[] = []
  let bytes: WasmBytes
  /** The block that is being read; none: nothing reaches the code. */
  let block = none
  /** Constructs that began within code that nothing reaches. */
  let deadDepth = 0
  let calls = 0
  let catches = false

  const rankOf = (its: number): number => flow.ranks[its] as number
  function add(its: number, cost: number): void {
    flow.costs[its] = (flow.costs[its] as number) + cost
  }
  function mark(its: number, marks: number): void {
    flow.marks[its] = (flow.marks[its] as number) | marks
  }

  function begin(junction: number, its: number): void {
    block = flow.block(junction, bytes.at, Math.max(rank.never + 1, Math.min(its, rank.most)))
    calls = 0
  }

  /** The block that is being read ends before the code at this offset, and leads to this junction. */
  function endAt(at: number, junction: number): void {
    flow.ends[block] = at
    flow.to[block] = junction
    if ((flow.marks[block] as number) & blockMark.calls) flow.mark(junction, junctionMark.exact)
    block = none
  }

  /** Where a branch so many constructs up goes. */
  function labelOf(depth: number, its: number): number {
    const construct = constructs[constructs.length - 1 - depth]
    if (construct === undefined) return exit
    if (construct.label === none) construct.label = flow.junction()
    construct.branches = Math.max(construct.branches, its)
    return construct.label
  }

  /** A branch that may be taken: control goes there, or on. */
  function branchIf(at: number, depth: number): void {
    const its = rankOf(block)
    const loops = constructs[constructs.length - 1 - depth]?.opcode === code.loop
    const junction = flow.join(flow.junction(junctionMark.early), labelOf(depth, its - rank.afterBranch))
    endAt(at, junction)
    begin(junction, its - (loops ? rank.afterLoopBranch : rank.afterBranch))
  }

  function branchTable(at: number): void {
    const its = rankOf(block) - rank.case
    let junction = flow.junction()
    for (let count = bytes.number() + 1; count > 0; count--)
      junction = flow.join(junction, labelOf(bytes.number(), its))
    endAt(at, junction)
  }

  function leave(at: number): void {
    endAt(at, exit)
  }

  /** What calls has to be paid for, and to look: it is how a run may get back to where it was without a loop. */
  function call(at: number): void {
    mark(block, blockMark.looks | blockMark.calls)
    if (calls++ === callsBetweenLooks) {
      flow.event(at, eventKind.look)
      calls = 1
    }
    flow.event(at, eventKind.call)
    if (!facts.catches) return
    // That it is exact it has from the block that ends, which calls.
    const junction = flow.junction(junctionMark.entered)
    const its = rankOf(block)
    endAt(bytes.at, junction)
    begin(junction, its)
  }

  function tailCall(at: number): void {
    mark(block, blockMark.looks | blockMark.calls)
    leave(at)
  }

  function open(opcode: number, at: number): void {
    skipBlockType(bytes)
    const its = rankOf(block)
    const construct = { opcode, label: none, parted: none, rank: its, branches: rank.never, hasElse: false }
    if (opcode === code.loop) {
      // Who branches to a loop executes it anew.
      add(block, -1)
      construct.label = flow.junction(junctionMark.loop)
      endAt(at, construct.label)
      begin(construct.label, its + rank.loop)
      add(block, 1)
      mark(block, blockMark.looks)
    } else if (opcode === code.if) {
      construct.parted = flow.junction()
      endAt(at, construct.parted)
      begin(construct.parted, its - rank.arm)
    } else if (opcode === code.tryTable) {
      skipCatches(bytes, (depth) =>
        flow.mark(labelOf(depth, its - rank.case), junctionMark.exact | junctionMark.entered),
      )
    }
    catches ||= opcode === code.try || opcode === code.tryTable
    constructs.push(construct)
  }

  /** `else`, or a catch: another arm of the innermost construct. */
  function nextArm(opcode: number, at: number): void {
    const construct = constructs[constructs.length - 1] as Construct
    if (block !== none) endAt(at, labelOf(0, rankOf(block)))
    if (opcode === code.else) {
      construct.hasElse = true
      begin(construct.parted, construct.rank - rank.arm)
    } else begin(flow.junction(junctionMark.exact | junctionMark.entered), rank.never)
  }

  function close(at: number): void {
    const construct = constructs.pop() as Construct
    const { opcode, parted } = construct
    const reached = block !== none
    if (opcode === code.loop) {
      if (reached) flow.ranks[block] = Math.min(rankOf(block), construct.rank)
      return
    }
    const passesBy = parted !== none && !construct.hasElse
    if (passesBy) {
      flow.mark(parted, junctionMark.early)
      construct.label = construct.label === none ? parted : flow.join(construct.label, parted)
    }
    if (construct.label === none) return
    if (reached) endAt(at, construct.label)
    begin(construct.label, reached || passesBy ? construct.rank : Math.min(construct.rank, construct.branches))
  }

  /** An instruction whose work may be a number on the stack. */
  function work(opcode: number, at: number): void {
    const length = lengthOf(bytes, opcode, facts)
    if (length !== 0) flow.event(at, length)
    if (opcode === code.memoryGrow) add(block, memoryGrowUnits)
    bytes.at = at + 1
    skipImmediates(bytes, opcode)
  }

  function gc(at: number): void {
    work(code.gc, at)
    const after = bytes.at
    bytes.at = at + 1
    const second = bytes.number()
    if (second === gcCode.arrayNewFixed) {
      bytes.skipNumber()
      add(block, bytes.number())
    }
    const branches = second === gcCode.branchOnCast || second === gcCode.branchOnCastFail
    if (branches) bytes.skip(1)
    const depth = branches ? bytes.number() : 0
    bytes.at = after
    if (branches) branchIf(at, depth)
  }

  /** An instruction in code that is reached. */
  function reached(opcode: number, at: number): void {
    add(block, 1)
    switch (opcode) {
      case code.block:
      case code.loop:
      case code.if:
      case code.try:
      case code.tryTable:
        open(opcode, at)
        return
      case code.branch:
        endAt(at, labelOf(bytes.number(), rankOf(block)))
        return
      case code.branchIf:
      case code.branchOnNull:
      case code.branchOnNonNull:
        branchIf(at, bytes.number())
        return
      case code.branchTable:
        branchTable(at)
        return
      case code.return:
        leave(at)
        return
      case code.unreachable:
        flow.ranks[block] = rank.never
        endAt(at, flow.junction())
        return
      case code.throw:
      case code.rethrow:
      case code.throwRef:
        skipImmediates(bytes, opcode)
        leave(at)
        return
      case code.call:
      case code.callRef:
      case code.callIndirect:
        skipImmediates(bytes, opcode)
        call(at)
        return
      case code.returnCall:
      case code.returnCallRef:
      case code.returnCallIndirect:
        skipImmediates(bytes, opcode)
        tailCall(at)
        return
      case code.memoryGrow:
      case code.misc:
        work(opcode, at)
        return
      case code.gc:
        gc(at)
        return
      default:
        skipImmediates(bytes, opcode)
        return
    }
  }

  const opens = (opcode: number): boolean =>
    opcode === code.block ||
    opcode === code.loop ||
    opcode === code.if ||
    opcode === code.try ||
    opcode === code.tryTable

  /** `end`, `else` and the like. True for the function's own end. */
  function punctuation(opcode: number, at: number): boolean {
    if (opcode === code.catch || opcode === code.delegate) bytes.skipNumber()
    const closes = opcode === code.end || opcode === code.delegate
    if (deadDepth > 0) {
      if (closes) deadDepth -= 1
      return false
    }
    if (!closes) nextArm(opcode, at)
    else if (constructs.length > 0) close(at)
    else {
      if (block !== none) leave(at)
      return true
    }
    return false
  }

  function instruction(opcode: number, at: number): void {
    flow.instructions += 1
    if (block !== none) reached(opcode, at)
    else {
      if (opens(opcode)) deadDepth += 1
      skipImmediates(bytes, opcode)
    }
  }

  function read(from: WasmBytes, end: number): FunctionFlow {
    bytes = from
    flow.clear()
    constructs.length = 0
    deadDepth = 0
    begin(entry, rank.function)
    while (bytes.at < end) {
      const passed = skipSimple(bytes, end)
      flow.instructions += passed
      if (block !== none) add(block, passed)
      const at = bytes.at
      const opcode = bytes.byte()
      switch (opcode) {
        case code.end:
        case code.else:
        case code.catch:
        case code.catchAll:
        case code.delegate:
          if (punctuation(opcode, at)) break
          continue
        default:
          instruction(opcode, at)
          continue
      }
      break
    }
    if (flow.instructions > shortFunction) mark(0, blockMark.looks)
    return flow
  }

  return {
    /** What it returns is valid until the next function is read. */
    read,
    /** Something in the functions so far catches exceptions. */
    catches: () => catches,
  }
}
