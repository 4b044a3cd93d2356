import { code, gcCode, miscCode, skipBlockType, skipImmediates } from './instructions.ts'
import type { WasmBytes } from './wasm-bytes.ts'

/** What a module tells about its functions. */
export interface ModuleFacts {
  /** Something in it catches exceptions: an instruction after a call may not be executed although the run goes on. */
  readonly catches: boolean
  /** Address types, by number: true where it is 64 bits wide. */
  readonly memories64: readonly boolean[]
  readonly tables64: readonly boolean[]
}

/** What is put in front of an instruction. The offsets are those of the code that was read. */
export type Insertion =
  /** So many instructions are paid for; `checked`: and the run ends here where there is no fuel left. */
  | { readonly kind: 'charge'; readonly at: number; count: number; readonly checked: boolean }
  /** As many as the number on the stack says. `most`: where it is larger the instruction fails and costs nothing. */
  | {
      readonly kind: 'length'
      readonly at: number
      readonly wide: boolean
      readonly most: 'memory' | 'table' | undefined
    }
  /** The function is left: what is kept of the fuel goes back to where others see it. */
  | { readonly kind: 'leave'; readonly at: number }
  /** It is entered again after a call. */
  | { readonly kind: 'return'; readonly at: number }

export interface FunctionCost {
  readonly insertions: readonly Insertion[]
  /** Instructions of the function. */
  readonly instructions: number
  readonly loops: boolean
  readonly catches: boolean
}

type Charge = Extract<Insertion, { kind: 'charge' }>

/** A block, loop, if or try that has not ended. */
interface Construct {
  /** What pays for the code around it: it goes on paying after its end, where whoever enters gets there. */
  readonly around: Charge
  /** Control may leave it for somewhere else than its end. */
  open: boolean
}

const opensBlock = (opcode: number): boolean =>
  opcode === code.block || opcode === code.loop || opcode === code.if || opcode === code.try || opcode === code.tryTable

/**
 * Reads a function's code, from behind its locals to its end, and says where what is to be charged.
 *
 * One unit is one instruction of the specification; `end`, `else` and the heads of catches are punctuation. A basic block
 * is charged at its beginning. Where a block, loop, if or try can only be left by its end, what comes after it is as sure
 * to be executed as what comes before, so the two are charged together: a run that ends without a trap has paid for what
 * it executed, neither more nor less. What a run that traps has paid is no measure: a function that keeps the fuel in a
 * local has not given it back.
 *
 * The fuel is looked at where a function begins and where a loop begins anew: what is executed between two looks is no
 * more than the code of one function.
 */
export function functionCost(bytes: WasmBytes, end: number, facts: ModuleFacts): FunctionCost {
  const insertions: Insertion[] = []
  const constructs: Construct[] = []
  let instructions = 0
  let loops = false
  let catches = false
  /** Depth of constructs within code that nothing reaches; 0: it is reached. */
  let dead = 0

  function pay(checked = false): Charge {
    const charge: Charge = { kind: 'charge', at: bytes.at, count: 0, checked }
    insertions.push(charge)
    return charge
  }
  let paying = pay(true)
  const leave = (at: number): void => void insertions.push({ kind: 'leave', at })

  /** Control may go so many constructs up: those that it leaves behind are open. The function itself is the outermost. */
  function leaveBehind(depth: number): void {
    const innermost = constructs.length - 1
    for (let up = 0; up < depth && up <= innermost; up++) (constructs[innermost - up] as Construct).open = true
  }
  const leaveAll = (): void => leaveBehind(constructs.length)
  function branch(depth: number, at: number): void {
    leaveBehind(depth)
    if (depth >= constructs.length) leave(at)
  }

  function afterEnd({ around, open }: Construct): void {
    paying = open ? pay() : around
  }

  function call(at: number): void {
    leave(at)
    insertions.push({ kind: 'return', at: bytes.at })
    if (!facts.catches) return
    leaveAll()
    paying = pay()
  }

  function branchTable(at: number): void {
    const targets = bytes.number() + 1
    let deepest = 0
    for (let target = 0; target < targets; target++) deepest = Math.max(deepest, bytes.number())
    branch(deepest, at)
  }

  function enter(opcode: number): void {
    skipBlockType(bytes)
    if (opcode === code.tryTable) skipCatches()
    const construct: Construct = { around: paying, open: false }
    if (opcode === code.loop) {
      // Who branches to a loop executes it anew.
      paying.count -= 1
      paying = pay(true)
      paying.count += 1
      loops = true
    } else if (opcode === code.if) paying = pay()
    else if (opcode !== code.block) catches = true
    constructs.push(construct)
  }

  function skipCatches(): void {
    for (let count = bytes.number(); count > 0; count--) {
      if (bytes.byte() < 2) bytes.skipNumber() // with a tag
      leaveBehind(bytes.number())
    }
  }

  const length = (at: number, wide: boolean, most?: 'memory' | 'table'): void =>
    void insertions.push({ kind: 'length', at, wide, most })

  function misc(at: number): void {
    const second = bytes.number()
    const isWide = (widths: readonly boolean[], number: number): boolean => widths[number] === true
    switch (second) {
      case miscCode.memoryInit:
        length(at, false)
        break
      case miscCode.memoryCopy:
        length(at, isWide(facts.memories64, bytes.number()) && isWide(facts.memories64, bytes.number()))
        break
      case miscCode.memoryFill:
        length(at, isWide(facts.memories64, bytes.number()))
        break
      case miscCode.tableInit:
        length(at, false)
        break
      case miscCode.tableCopy:
        length(at, isWide(facts.tables64, bytes.number()) && isWide(facts.tables64, bytes.number()))
        break
      case miscCode.tableGrow:
        length(at, isWide(facts.tables64, bytes.number()), 'table')
        break
      case miscCode.tableFill:
        length(at, isWide(facts.tables64, bytes.number()))
        break
    }
    bytes.at = at + 1
    skipImmediates(bytes, code.misc)
  }

  function gc(at: number): void {
    const second = bytes.number()
    switch (second) {
      case gcCode.arrayNew:
      case gcCode.arrayNewDefault:
      case gcCode.arrayNewData:
      case gcCode.arrayNewElem:
      case gcCode.arrayFill:
      case gcCode.arrayCopy:
      case gcCode.arrayInitData:
      case gcCode.arrayInitElem:
        length(at, false)
        break
      case gcCode.arrayNewFixed:
        bytes.skipNumber()
        paying.count += bytes.number()
        break
      case gcCode.branchOnCast:
      case gcCode.branchOnCastFail:
        bytes.skip(1)
        branch(bytes.number(), at)
        break
    }
    bytes.at = at + 1
    skipImmediates(bytes, code.gc)
    if (second === gcCode.branchOnCast || second === gcCode.branchOnCastFail) paying = pay()
  }

  /** An instruction in code that is reached. */
  function reached(opcode: number, at: number): void {
    paying.count += 1
    switch (opcode) {
      case code.block:
      case code.loop:
      case code.if:
      case code.try:
      case code.tryTable:
        enter(opcode)
        break
      case code.branch:
        branch(bytes.number(), at)
        dead = 1
        return
      case code.branchIf:
      case code.branchOnNull:
      case code.branchOnNonNull:
        branch(bytes.number(), at)
        paying = pay()
        return
      case code.branchTable:
        branchTable(at)
        dead = 1
        return
      case code.return:
        leaveAll()
        leave(at)
        dead = 1
        return
      case code.unreachable:
        dead = 1
        return
      case code.throw:
      case code.rethrow:
        bytes.skipNumber()
        leaveAll()
        leave(at)
        dead = 1
        return
      case code.throwRef:
        leaveAll()
        leave(at)
        dead = 1
        return
      case code.call:
      case code.callRef:
        bytes.skipNumber()
        call(at)
        break
      case code.callIndirect:
        bytes.skipNumber()
        bytes.skipNumber()
        call(at)
        break
      case code.returnCall:
      case code.returnCallRef:
        bytes.skipNumber()
        leaveAll()
        leave(at)
        dead = 1
        return
      case code.returnCallIndirect:
        bytes.skipNumber()
        bytes.skipNumber()
        leaveAll()
        leave(at)
        dead = 1
        return
      case code.memoryGrow:
        length(at, facts.memories64[bytes.number()] === true, 'memory')
        return
      case code.misc:
        misc(at)
        break
      case code.gc:
        gc(at)
        break
      default:
        skipImmediates(bytes, opcode)
        break
    }
  }

  /** An instruction in code that nothing reaches. */
  function unreached(opcode: number): void {
    if (opensBlock(opcode)) {
      dead += 1
      skipBlockType(bytes)
      if (opcode === code.tryTable) {
        for (let count = bytes.number(); count > 0; count--) {
          if (bytes.byte() < 2) bytes.skipNumber()
          bytes.skipNumber()
        }
      }
    } else if (opcode === code.branchTable) {
      for (let count = bytes.number() + 1; count > 0; count--) bytes.skipNumber()
    } else skipImmediates(bytes, opcode)
  }

  /** `end`, `else` and the like. True for the function's own end. */
  function punctuation(opcode: number): boolean {
    if (opcode === code.catch || opcode === code.delegate) bytes.skipNumber()
    const closes = opcode === code.end || opcode === code.delegate
    if (dead > 1) {
      if (closes) dead -= 1
      return false
    }
    if (!closes) {
      dead = 0
      paying = pay()
      return false
    }
    const construct = constructs.pop()
    if (construct === undefined) {
      if (dead === 0) leave(bytes.at - 1)
      return true
    }
    dead = 0
    afterEnd(construct)
    return false
  }

  while (bytes.at < end) {
    const at = bytes.at
    const opcode = bytes.byte()
    switch (opcode) {
      case code.end:
      case code.else:
      case code.catch:
      case code.catchAll:
      case code.delegate:
        if (punctuation(opcode)) break
        continue
      default:
        instructions += 1
        if (dead > 0) unreached(opcode)
        else reached(opcode, at)
        continue
    }
    break
  }
  return { insertions, instructions, loops, catches }
}
