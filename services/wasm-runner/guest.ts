import { realtimeNanoseconds } from '../../shm/clock.ts'
import type { PluginCode } from './compile.ts'
import type { Guard } from './guard.ts'
import { faultOf, GuestFault } from './guest-fault.ts'
import { type GuestLog, writeGuestLine } from './guest-log.ts'
import type { Preopen, WasiGrants } from './wasi/grants.ts'
import { wasiModule } from './wasi/signatures.ts'
import { createWasi, type Wasi } from './wasi/wasi.ts'

/** What host functions use of the guest that calls them. */
export interface GuestSide {
  memory(): WebAssembly.Memory
  /** Takes so much of the guest's fuel; false when there is none left. */
  pay(units: number): boolean
  /**
   * Ends the guest with `cause`, as a trap does: throws it through the guest's code. WebAssembly catches what a host function
   * throws, so it is remembered, and the guest has no fuel to go on with.
   */
  end(cause: Error): never
}

/** One plugin's code with its memory and its fuel. Whatever its code does wrong is a GuestFault; it is of no more use then. */
export interface Guest extends GuestSide {
  readonly exports: WebAssembly.Exports
  /** Gives it so much fuel, in place of what it has, and so much time, µs. */
  fill(units: number, us: number): void
  /** Units of what it was given that it used so far; more than that when it ran out. */
  used(): number
  /** Runs a function of the guest's (see Guard.run); `name` is for the evidence. Throws a GuestFault, after which everything is closed. */
  run<T>(name: string, call: () => T): T
  /** See Wasi.grant. Between calls. */
  grantFiles(granted: readonly Preopen[]): void
  /** Closes what it has open. May be called twice. */
  close(): void
}

export interface GuestNeeds {
  readonly log: GuestLog
  readonly grants: WasiGrants
  /** Of the thread that it runs on. */
  readonly guard: Guard
  /** Module `env`. */
  env(guest: GuestSide): WebAssembly.ModuleImports
  /** It is of no more use. May be called twice. */
  ended(): void
  /** Whatever is to be done before a function of the host's begins that the guest calls. */
  before?(): void
}

/** What WASI's compilers put the constructors of a library in: called once, before everything else. */
const constructors = '_initialize'

const noWasi: Pick<Wasi, 'grant' | 'close'> & { readonly imports: WebAssembly.ModuleImports } = {
  imports: {},
  grant() {},
  close() {},
}

const importsWasi = ({ module }: PluginCode): boolean =>
  WebAssembly.Module.imports(module).some((each) => each.module === wasiModule)

function create({ module }: PluginCode, imports: WebAssembly.Imports): WebAssembly.Instance {
  try {
    return new WebAssembly.Instance(module, imports)
  } catch (cause) {
    // What V8 finds out only now: a data segment outside the memory, for one.
    throw new GuestFault({ kind: 'crash', detail: `it cannot be instantiated: ${(cause as Error).message}` }, { cause })
  }
}

function after(before: (() => void) | undefined, act: WebAssembly.ImportFunction): WebAssembly.ImportFunction {
  if (before === undefined) return act
  return (...parameters) => {
    before()
    return act(...parameters)
  }
}

interface Begins {
  begin(units: number, us: number): void
}

/**
 * Makes a guest of a plugin's code. None of the code runs before `begin`, which runs what comes before every other call: its
 * start function, an export like others, and its library's constructors.
 */
export function makeGuest(code: PluginCode, { log, grants, guard, env, ended, before }: GuestNeeds): Guest & Begins {
  let given = 0
  let filling = 0n
  let ending: { readonly cause: Error; readonly fuelLeft: bigint } | undefined
  const side: GuestSide = {
    memory: () => instance.exports.memory as WebAssembly.Memory,
    pay(units) {
      fuel.value -= BigInt(units)
      return fuel.value >= 0n
    },
    end(cause) {
      ending ??= { cause, fuelLeft: fuel.value }
      fuel.value = -1n
      throw cause
    },
  }
  const openWasi = (): Wasi =>
    createWasi(grants, {
      ...side,
      writeLine: (level, line) => writeGuestLine(log, level, line),
      realtimeNs: realtimeNanoseconds,
      monotonicNs: () => BigInt(Math.floor(log.now() * 1e6)),
    })
  // Its functions are a third of what a small plugin takes, and most plugins import none of them.
  const wasi = importsWasi(code) ? openWasi() : noWasi
  const close = (): void => {
    wasi.close()
    ended()
  }
  const orClosed = <T>(act: () => T): T => {
    try {
      return act()
    } catch (cause) {
      close() // nobody calls a guest again that threw
      throw cause
    }
  }
  /** The host's own work is done whole or not at all. */
  const wholeOf = (functions: WebAssembly.ModuleImports): WebAssembly.ModuleImports =>
    Object.fromEntries(Object.entries(functions).map(([name, act]) => [name, guard.whole(after(before, act))]))
  const instance = orClosed(() => create(code, { env: wholeOf(env(side)), [wasiModule]: wholeOf(wasi.imports) }))
  const { exports } = instance
  const fuel = exports[code.fuelExport] as WebAssembly.Global

  const callOf = <T>(name: string, call: () => T): T => {
    try {
      const result = guard.run(call)
      if (ending === undefined) return result
    } catch (cause) {
      if (ending === undefined) throw faultOf(name, cause, fuel.value, given)
    }
    fuel.value = ending.fuelLeft
    throw faultOf(name, ending.cause, ending.fuelLeft, given)
  }
  const run = <T>(name: string, call: () => T): T => orClosed(() => callOf(name, call))

  function fill(units: number, us: number): void {
    guard.allot(us)
    if (units !== given) {
      given = units
      filling = BigInt(units)
    }
    fuel.value = filling
  }

  return {
    ...side,
    exports,
    fill,
    used: () => given - Number(fuel.value),
    run,
    grantFiles: wasi.grant,
    close,
    begin(units, us) {
      fill(units, us)
      if (code.startExport !== undefined) run('its start function', exports[code.startExport] as () => void)
      const library = exports[constructors]
      if (typeof library === 'function') run(constructors, library as () => void)
    },
  }
}
