import { type FuelCode, fuelCode } from './fuel-code.ts'
import { lengthKind } from './function-flow.ts'
import { refuse } from './module-survey.ts'
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
  i64Add: 0x7c,
  i64Subtract: 0x7d,
  i64FromI32: 0xad, // unsigned
} as const
const emptyBlock = 0x40
/** What V8 takes. */
const localsMax = 50_000
/** More than any fuel that is given, and far from where a difference wraps round. */
const everything = 2 ** 52

/** Locals that the code in between needs, behind those of the function; -1 for those that it does not. */
interface Locals {
  fuel: number
  length: number
  wideLength: number
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
  out.copyRange(bytes.bytes, declared.from, declared.to)
  for (const type of added) {
    out.byte(1)
    out.byte(type)
  }
}

/**
 * Writes functions with what they cost in between: `write` copies one from `bytes` up to `end`, and inserts what `codeOf`
 * says about it.
 */
export function createFunctionWriter({ global, maxMemoryPages, maxTableElements }: Fuel) {
  const locals: Locals = { fuel: -1, length: -1, wideLength: -1 }
  let out: WasmWriter

  function instruction(opcode: number, immediate: number): void {
    out.byte(opcode)
    out.number(immediate)
  }
  function constant(opcode: number, value: number): void {
    out.byte(opcode)
    out.signed(value)
  }

  /** The fuel is on the stack, and not yet in its local. */
  let held = false
  function hold(): void {
    if (!held) instruction(op.localGet, locals.fuel)
    held = true
  }
  function letGo(): void {
    if (held) instruction(op.localSet, locals.fuel)
    held = false
  }
  /** The fuel is on the stack, and in its local. */
  function show(): void {
    instruction(held ? op.localTee : op.localGet, locals.fuel)
    held = false
  }

  /** The fuel, less than nothing, goes to where others see that it ran out; the run ends. */
  function endIfLess(ahead: number, stored: boolean): void {
    constant(op.i64Const, -ahead)
    out.byte(op.i64Less)
    out.byte(op.if)
    out.byte(emptyBlock)
    if (!stored) {
      instruction(op.localGet, locals.fuel)
      if (ahead !== 0) {
        constant(op.i64Const, ahead)
        out.byte(op.i64Add)
      }
      instruction(op.globalSet, global)
    }
    out.byte(op.unreachable)
    out.byte(op.end)
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

  function length(kinds: number, ahead: number): void {
    const wide = (kinds & lengthKind.wide) !== 0
    const limit =
      kinds & lengthKind.ofMemory ? maxMemoryPages : kinds & lengthKind.ofTable ? maxTableElements : undefined
    letGo()
    instruction(op.localTee, wide ? locals.wideLength : locals.length)
    instruction(op.localGet, locals.fuel)
    measured(wide, limit === undefined ? undefined : wide ? limit + 1 : limit)
    out.byte(op.i64Subtract)
    instruction(op.localTee, locals.fuel)
    endIfLess(ahead, false)
  }

  function insert(what: number, amount: number): void {
    switch (what) {
      case fuelCode.load:
        instruction(op.globalGet, global)
        held = true
        return
      case fuelCode.store:
        show()
        instruction(op.globalSet, global)
        return
      case fuelCode.take:
        hold()
        constant(op.i64Const, amount)
        out.byte(op.i64Subtract)
        return
      case fuelCode.pay:
        instruction(op.globalGet, global)
        constant(op.i64Const, amount)
        out.byte(op.i64Subtract)
        instruction(op.globalSet, global)
        return
      case fuelCode.look:
      case fuelCode.lookAtBoth:
        show()
        endIfLess(amount, what === fuelCode.lookAtBoth)
        return
      default:
        length(what - fuelCode.length, amount)
        return
    }
  }

  function declare(first: number, code: FuelCode): number[] {
    const added: number[] = []
    const add = (type: number): number => first + added.push(type) - 1
    if (code.keeps) locals.fuel = add(i64)
    let [narrow, wide] = [false, false]
    for (let index = 0; index < code.count; index++) {
      const what = code.what[index] as number
      if (what < fuelCode.length) continue
      if ((what - fuelCode.length) & lengthKind.wide) wide = true
      else narrow = true
    }
    if (narrow) locals.length = add(i32)
    if (wide) locals.wideLength = add(i64)
    if (first + added.length > localsMax) {
      throw refuse(
        `a function of the module has ${first} locals and needs ${added.length} more for its metering, ` +
          `and may have ${localsMax}`,
        'build it in smaller parts',
      )
    }
    return added
  }

  return function write(
    to: WasmWriter,
    bytes: WasmBytes,
    end: number,
    parameters: number,
    codeOf: (bytes: WasmBytes, end: number) => FuelCode,
  ): void {
    out = to
    const declared = readDeclarations(bytes)
    const code = codeOf(bytes, end)
    writeDeclarations(out, bytes, declared, declare(parameters + declared.count, code))
    let copied = declared.to
    for (let index = 0; index < code.count; index++) {
      const at = code.at[index] as number
      if (at > copied) letGo()
      out.copyRange(bytes.bytes, copied, at)
      copied = at
      insert(code.what[index] as number, code.amount[index] as number)
    }
    letGo()
    out.copyRange(bytes.bytes, copied, end)
    bytes.at = end
  }
}
