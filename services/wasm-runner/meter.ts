import { RigError } from '../../rpc/failure.ts'
import { functionCost, type ModuleFacts } from './function-cost.ts'
import { code, skipImmediates } from './instructions.ts'
import { type Fuel, writeMeteredFunction } from './metered-function.ts'
import { WasmBytes, WasmWriter } from './wasm-bytes.ts'

export interface MeterLimits {
  /** Pages of all memories together. */
  readonly maxMemoryPages: number
  /** Elements of all tables together. */
  readonly maxTableElements: number
}

export interface MeteredModule {
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Name of the exported mutable i64 global with the fuel that is left. Less than nothing is left of a run that ran out. */
  readonly fuelExport: string
  /** Instructions of all functions. */
  readonly instructions: number
}

/** What there is before anybody has set the fuel: for the start function. 10 to 50 ms on the machines of today. */
export const startFuel = 10_000_000

const section = { type: 1, import: 2, function: 3, table: 4, memory: 5, global: 6, export: 7, code: 10 } as const
/** Sections that the format knows, in its order; 13 holds tags. Others have no place of their own. */
const order = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11]
const kind = { function: 0, table: 1, memory: 2, global: 3 } as const

const refuse = (what: string, remedy: string): RigError => new RigError('PLUGIN_INVALID', `${what}; ${remedy}`)

/** What V8 does not take, in V8's words. */
export function notWebAssembly(cause: unknown): RigError {
  const reason = (cause as Error).message.replace(/^WebAssembly\.\w+\(\): /, '')
  const what = `the module is not WebAssembly that can run here (${reason}); build it again`
  return new RigError('PLUGIN_INVALID', what, { cause })
}

/** Refuses what V8 does not take. */
function check(wasm: Uint8Array): void {
  if (WebAssembly.validate(wasm)) return
  try {
    new WebAssembly.Module(wasm)
  } catch (cause) {
    throw notWebAssembly(cause)
  }
  throw refuse('the module is not WebAssembly that can run here', 'build it again')
}

/** What is left of a limit while memories, or tables, take their parts of it. */
function createAllowance(what: string, limit: number, minima: readonly number[]) {
  const promised = minima.reduce((sum, minimum) => sum + minimum, 0)
  if (promised > limit) {
    throw refuse(
      `the module asks for at least ${promised} ${what}, and may have ${limit}`,
      'build it for less, or raise the limit in its manifest',
    )
  }
  let left = limit - promised
  return {
    /** The most that this one may grow to: what no other one was promised. */
    most(minimum: number, declared: number): number {
      const most = Math.min(declared, minimum + left)
      left -= most - minimum
      return most
    },
  }
}

type Allowance = ReturnType<typeof createAllowance>

interface Limits {
  readonly flags: number
  readonly minimum: number
  readonly maximum: number
}

const hasMaximum = 1
const is64 = 4

function readLimits(bytes: WasmBytes): Limits {
  const flags = bytes.byte()
  const minimum = bytes.number()
  return { flags, minimum, maximum: flags & hasMaximum ? bytes.number() : Number.POSITIVE_INFINITY }
}

function writeLimits(out: WasmWriter, { flags, minimum, maximum }: Limits, allowance: Allowance): void {
  out.byte(flags | hasMaximum)
  out.number(minimum)
  out.number(allowance.most(minimum, maximum))
}

/** Parameters of each function type; -1 for types that are none. */
function readTypes(bytes: WasmBytes): readonly number[] {
  const parameters: number[] = []
  const storage = (): void => {
    bytes.type()
    bytes.skip(1) // mutable or not
  }
  function one(): void {
    const form = bytes.byte()
    switch (form) {
      case 0x4e: // a group of types that name each other
        bytes.list(one)
        return
      case 0x4f: // sub final
      case 0x50: // sub
        bytes.list(() => bytes.skipNumber())
        one()
        return
      case 0x60:
        parameters.push(bytes.list(() => bytes.type()).length)
        bytes.list(() => bytes.type())
        return
      case 0x5f:
        bytes.list(storage)
        parameters.push(-1)
        return
      case 0x5e:
        storage()
        parameters.push(-1)
        return
      default:
        throw refuse(
          `the module has a type of the form 0x${form.toString(16)}, which this version cannot meter`,
          'build it without',
        )
    }
  }
  bytes.list(one)
  return parameters
}

/** Reads one import; `limits` is told where its limits are, and writes them anew. */
function passImport(bytes: WasmBytes, limits: (kind: number) => void): number {
  bytes.skip(bytes.number())
  bytes.skip(bytes.number())
  const its = bytes.byte()
  switch (its) {
    case kind.table:
      bytes.type()
      limits(its)
      break
    case kind.memory:
      limits(its)
      break
    case kind.global:
      bytes.type()
      bytes.skip(1)
      break
    case kind.function:
      bytes.skipNumber()
      break
    default: // a tag
      bytes.skip(1)
      bytes.skipNumber()
  }
  return its
}

/** Reads one table as far as its limits, and what comes after them when they are read. */
function passTable(bytes: WasmBytes, limits: () => void): void {
  const first = bytes.bytes[bytes.at]
  const initialised = first === 0x40
  if (initialised) bytes.skip(2)
  bytes.type()
  limits()
  if (initialised) passExpression(bytes)
}

function passExpression(bytes: WasmBytes): void {
  for (let opcode = bytes.byte(); opcode !== code.end; opcode = bytes.byte()) skipImmediates(bytes, opcode)
}

/** What has to be known of a module before any of it is written. */
interface Survey {
  readonly sections: readonly {
    readonly id: number
    readonly from: number
    readonly to: number
    readonly begins: number
  }[]
  readonly types: readonly number[]
  /** Type of each function that has code. */
  readonly functions: readonly number[]
  readonly memories: readonly Limits[]
  readonly tables: readonly Limits[]
  readonly globals: number
  readonly exports: ReadonlySet<string>
}

function survey(wasm: Uint8Array): Survey {
  const bytes = new WasmBytes(wasm)
  const sections: { id: number; from: number; to: number; begins: number }[] = []
  let types: readonly number[] = []
  let functions: readonly number[] = []
  const memories: Limits[] = []
  const tables: Limits[] = []
  let globals = 0
  const exports = new Set<string>()
  const keep = (its: number): void => void (its === kind.memory ? memories : tables).push(readLimits(bytes))

  bytes.skip(8)
  while (!bytes.done) {
    const begins = bytes.at
    const id = bytes.byte()
    const length = bytes.number()
    const from = bytes.at
    const to = from + length
    sections.push({ id, from, to, begins })
    if (id === section.type) types = readTypes(bytes)
    else if (id === section.import) {
      bytes.list(() => {
        if (passImport(bytes, keep) === kind.global) globals += 1
      })
    } else if (id === section.function) functions = bytes.list(() => bytes.number())
    else if (id === section.table) bytes.list(() => passTable(bytes, () => keep(kind.table)))
    else if (id === section.memory) bytes.list(() => keep(kind.memory))
    else if (id === section.global) globals += bytes.number()
    else if (id === section.export) {
      bytes.list(() => {
        exports.add(bytes.name())
        bytes.skip(1)
        bytes.skipNumber()
      })
    }
    bytes.at = to
  }
  return { sections, types, functions, memories, tables, globals, exports }
}

/** Whether some instruction of the module catches: only tags make a module that does, or a catch of everything. */
function catches(wasm: Uint8Array, { sections }: Survey): boolean {
  const found = sections.find(({ id }) => id === section.code)
  if (found === undefined) return false
  // A byte that is no instruction may look like one: then more is charged apart than need be, and as exactly.
  for (let at = found.from; at < found.to; at++) if (wasm[at] === code.try || wasm[at] === code.tryTable) return true
  return false
}

function freeName(exports: ReadonlySet<string>): string {
  let name = 'openracing_fuel'
  while (exports.has(name)) name += '_'
  return name
}

/**
 * Makes a module run on fuel: each instruction that it executes takes one unit of what an exported global holds, and the
 * run ends, as by `unreachable`, when there is none left. Bulk operations take as many units more as they touch bytes or
 * elements, growing one as many as there are pages or elements. See function-cost.ts for what exactly is charged when.
 *
 * Memories and tables end at the limits. In every other way the module behaves as before: functions, tables, memories
 * and globals keep their numbers, and custom sections are copied.
 *
 * Throws PLUGIN_INVALID: for what V8 does not take, in V8's words; for instructions and types that it does not know;
 * for a module that asks for more memory or larger tables than the limits allow.
 */
export const meterModule = (wasm: Uint8Array, limits: MeterLimits): MeteredModule =>
  meterModuleBy(functionCost, wasm, limits)

/** The same by another way of charging: for tests, which compare. */
export function meterModuleBy(charge: typeof functionCost, wasm: Uint8Array, limits: MeterLimits): MeteredModule {
  check(wasm)
  const found = survey(wasm)
  const { sections, types, functions } = found
  const fuelExport = freeName(found.exports)
  const fuel: Fuel = { global: found.globals, ...limits }
  const pages = createAllowance(
    'pages of memory',
    limits.maxMemoryPages,
    found.memories.map(({ minimum }) => minimum),
  )
  const elements = createAllowance(
    'table elements',
    limits.maxTableElements,
    found.tables.map(({ minimum }) => minimum),
  )
  const wide = (all: readonly Limits[]): readonly boolean[] => all.map(({ flags }) => (flags & is64) !== 0)
  const facts: ModuleFacts = {
    catches: catches(wasm, found),
    memories64: wide(found.memories),
    tables64: wide(found.tables),
  }
  let instructions = 0

  const bytes = new WasmBytes(wasm)
  const out = new WasmWriter(wasm.length + (wasm.length >> 1) + 256)
  const body = new WasmWriter(1024)
  const content = new WasmWriter(1024)

  /** Copies what was read since `from`. */
  const copySince = (from: number): void => content.copy(wasm.subarray(from, bytes.at))

  function rewriteLimits(from: number, its: number): number {
    copySince(from)
    writeLimits(content, readLimits(bytes), its === kind.memory ? pages : elements)
    return bytes.at
  }

  function writeImports(): void {
    const count = bytes.number()
    content.number(count)
    for (let index = 0; index < count; index++) {
      let from = bytes.at
      passImport(bytes, (its) => {
        from = rewriteLimits(from, its)
      })
      copySince(from)
    }
  }

  function writeTables(): void {
    const count = bytes.number()
    content.number(count)
    for (let index = 0; index < count; index++) {
      let from = bytes.at
      passTable(bytes, () => {
        from = rewriteLimits(from, kind.table)
      })
      copySince(from)
    }
  }

  function writeMemories(): void {
    const count = bytes.number()
    content.number(count)
    for (let index = 0; index < count; index++) rewriteLimits(bytes.at, kind.memory)
  }

  function writeGlobals(rest: Uint8Array, count: number): void {
    content.number(count + 1)
    content.copy(rest)
    content.copy(Uint8Array.of(0x7e, 1, 0x42)) // mutable i64
    content.positive(startFuel)
    content.byte(code.end)
  }

  function writeExports(rest: Uint8Array, count: number): void {
    const name = new TextEncoder().encode(fuelExport)
    content.number(count + 1)
    content.copy(rest)
    content.number(name.length)
    content.copy(name)
    content.byte(kind.global)
    content.number(fuel.global)
  }

  function writeCode(): void {
    const count = bytes.number()
    content.number(count)
    for (let index = 0; index < count; index++) {
      const length = bytes.number()
      const parameters = types[functions[index] as number] as number
      body.clear()
      instructions += writeMeteredFunction(body, bytes, bytes.at + length, parameters, fuel, (code, end) =>
        charge(code, end, facts),
      )
      const written = body.written()
      content.number(written.length)
      content.copy(written)
    }
  }

  function flush(id: number): void {
    const written = content.written()
    out.byte(id)
    out.number(written.length)
    out.copy(written)
    content.clear()
  }

  /** Sections that the module has not, and now needs, come where the format wants them. */
  const missing = [section.global, section.export].filter((id) => !sections.some((each) => each.id === id))
  function writeMissingBefore(id: number): void {
    const rank = id === 0 ? -1 : order.indexOf(id)
    while (missing[0] !== undefined && order.indexOf(missing[0]) < rank) writeMissing(missing.shift() as number)
  }
  function writeMissing(id: number): void {
    if (id === section.global) writeGlobals(new Uint8Array(0), 0)
    else writeExports(new Uint8Array(0), 0)
    flush(id)
  }

  out.copy(wasm.subarray(0, 8))
  for (const { id, from, to, begins } of sections) {
    writeMissingBefore(id)
    bytes.at = from
    if (id === section.import) writeImports()
    else if (id === section.table) writeTables()
    else if (id === section.memory) writeMemories()
    else if (id === section.global || id === section.export) {
      const count = bytes.number()
      const rest = wasm.subarray(bytes.at, to)
      if (id === section.global) writeGlobals(rest, count)
      else writeExports(rest, count)
    } else if (id === section.code) writeCode()
    else {
      out.copy(wasm.subarray(begins, to))
      continue
    }
    flush(id)
  }
  for (const id of missing) writeMissing(id)
  return { bytes: out.written().slice(), fuelExport, instructions }
}
