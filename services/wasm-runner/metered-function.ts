import type { FunctionCost, Insertion } from './function-cost.ts'
import type { WasmBytes, WasmWriter } from './wasm-bytes.ts'

/** Where the fuel is, and what a plugin may have. */
export interface Fuel {
  /** Number of the global that holds it. */
  readonly global: number
  readonly maxMemoryPages: number
  readonly maxTableElements: number
}

const i32 = 0x7f
const i64 = 0x7e
const op = {
  unreachable: 0x00,
  if: 0x04,
  end: 0x0b,
  select: 0x1b,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  globalGet: 0x23,
  globalSet: 0x24,
  i32Const: 0x41,
  i64Const: 0x42,
  i32LessOrEqual: 0x4d, // unsigned
  i64Less: 0x53, // signed
  i64LessUnsigned: 0x54,
  i64Subtract: 0x7d,
  i64FromI32: 0xad, // unsigned
} as const
const emptyBlock = 0x40
/** More than any fuel that is given, and far from where a difference wraps round. */
const everything = 2 ** 52

/** Locals that the code in between needs, behind those of the function. */
interface Locals {
  /** A copy of the fuel; undefined where the function works on the global itself. */
  readonly fuel: number | undefined
  readonly length: number
  readonly wideLength: number
}

/** Writes what goes between a function's own instructions. */
function writeInsertions(out: WasmWriter, { global, maxMemoryPages, maxTableElements }: Fuel, locals: Locals) {
  const instruction = (opcode: number, immediate: number): void => {
    out.byte(opcode)
    out.number(immediate)
  }
  const constant = (opcode: number, value: number): void => {
    out.byte(opcode)
    out.positive(value)
  }
  const { fuel } = locals
  const get = (): void => (fuel === undefined ? instruction(op.globalGet, global) : instruction(op.localGet, fuel))
  const set = (): void => (fuel === undefined ? instruction(op.globalSet, global) : instruction(op.localSet, fuel))

  function giveBack(): void {
    if (fuel === undefined) return
    instruction(op.localGet, fuel)
    instruction(op.globalSet, global)
  }

  function takeOver(): void {
    if (fuel === undefined) return
    instruction(op.globalGet, global)
    instruction(op.localSet, fuel)
  }

  /** Keeps what is left of the subtraction on the stack, and ends the run where that is less than nothing. */
  function keepAndCheck(): void {
    if (fuel === undefined) {
      set()
      get()
    } else instruction(op.localTee, fuel)
    constant(op.i64Const, 0)
    out.byte(op.i64Less)
    out.byte(op.if)
    out.byte(emptyBlock)
    giveBack()
    out.byte(op.unreachable)
    out.byte(op.end)
  }

  function charge(count: number, checked: boolean): void {
    if (count === 0) return
    get()
    constant(op.i64Const, count)
    out.byte(op.i64Subtract)
    if (checked) keepAndCheck()
    else set()
  }

  /** The number on the stack as an i64, at the most `most`, or nothing where it is more than `most`. */
  function measured(wide: boolean, most: number | undefined): void {
    const local = wide ? locals.wideLength : locals.length
    const number = wide ? op.i64Const : op.i32Const
    instruction(op.localGet, local)
    if (wide || most !== undefined) {
      constant(number, most === undefined ? everything : 0)
      instruction(op.localGet, local)
      constant(number, most ?? everything)
      out.byte(wide ? op.i64LessUnsigned : op.i32LessOrEqual)
      out.byte(op.select)
    }
    if (!wide) out.byte(op.i64FromI32)
  }

  function length(wide: boolean, most: 'memory' | 'table' | undefined): void {
    const bound = most === 'memory' ? maxMemoryPages : most === 'table' ? maxTableElements : undefined
    instruction(op.localTee, wide ? locals.wideLength : locals.length)
    get()
    measured(wide, bound === undefined ? undefined : wide ? bound + 1 : bound)
    out.byte(op.i64Subtract)
    keepAndCheck()
  }

  return {
    takeOver,
    write(insertion: Insertion): void {
      switch (insertion.kind) {
        case 'charge':
          charge(insertion.count, insertion.checked)
          break
        case 'length':
          length(insertion.wide, insertion.most)
          break
        case 'leave':
          giveBack()
          break
        case 'return':
          takeOver()
          break
      }
    },
  }
}

/** Locals of one function, as its code begins with them. */
interface Declarations {
  readonly groups: number
  readonly count: number
  /** Where the groups begin, and where the code does. */
  readonly from: number
  readonly to: number
}

function readDeclarations(bytes: WasmBytes): Declarations {
  const groups = bytes.number()
  const from = bytes.at
  let count = 0
  for (let group = 0; group < groups; group++) {
    count += bytes.number()
    bytes.type()
  }
  return { groups, count, from, to: bytes.at }
}

function writeDeclarations(out: WasmWriter, bytes: WasmBytes, declared: Declarations, added: readonly number[]): void {
  out.number(declared.groups + added.length)
  out.copy(bytes.bytes.subarray(declared.from, declared.to))
  for (const type of added) {
    out.byte(1)
    out.byte(type)
  }
}

/**
 * Copies a function's body from `bytes` up to `end`, with what it costs in between. A function that loops keeps the fuel
 * in a local, and gives it back where it calls and where it ends; any other works on the global.
 */
export function writeMeteredFunction(
  out: WasmWriter,
  bytes: WasmBytes,
  end: number,
  parameters: number,
  fuel: Fuel,
  costOf: (bytes: WasmBytes, end: number) => FunctionCost,
): number {
  const declared = readDeclarations(bytes)
  const cost = costOf(bytes, end)
  const added: number[] = []
  const add = (type: number): number => parameters + declared.count + added.push(type) - 1
  const has = (wide: boolean): boolean => cost.insertions.some((each) => each.kind === 'length' && each.wide === wide)
  const keeps = cost.loops && !cost.catches
  const locals: Locals = {
    fuel: keeps ? add(i64) : undefined,
    length: has(false) ? add(i32) : -1,
    wideLength: has(true) ? add(i64) : -1,
  }
  writeDeclarations(out, bytes, declared, added)
  const { takeOver, write } = writeInsertions(out, fuel, locals)
  takeOver()
  let copied = declared.to
  for (const insertion of cost.insertions) {
    if (insertion.at > copied) out.copy(bytes.bytes.subarray(copied, insertion.at))
    copied = insertion.at
    write(insertion)
  }
  out.copy(bytes.bytes.subarray(copied, end))
  bytes.at = end
  return cost.instructions
}
