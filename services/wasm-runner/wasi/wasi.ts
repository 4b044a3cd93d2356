import type { GuestLogLevel } from '../guest-log.ts'
import { type ClockNeeds, clockCalls } from './clocks.ts'
import { descriptorCalls } from './descriptor-calls.ts'
import { openDescriptors } from './descriptors.ts'
import { directoryCalls } from './directory-calls.ts'
import { errno, Refusal, refuse } from './errno.ts'
import { fileCalls } from './file-calls.ts'
import type { Preopen, WasiGrants } from './grants.ts'
import { openGuestMemory } from './guest-memory.ts'
import { createLineOutput } from './line-output.ts'
import { pathCalls } from './path-calls.ts'
import { pollCalls } from './poll.ts'
import { priceOf } from './prices.ts'
import { processCalls } from './process-calls.ts'
import type { WasiFunction } from './signatures.ts'
import { stringCalls } from './string-calls.ts'
import type { Call, World } from './world.ts'

export interface WasiNeeds extends ClockNeeds {
  /** The guest's memory; may be undefined before there is an instance. */
  memory(): WebAssembly.Memory | undefined
  /** Takes so much of the guest's fuel; false when there is none left. */
  pay(units: number): boolean
  /** Throws `cause` through the guest's code, which ends with it. */
  end(cause: Error): never
  /** A line that the guest wrote, as its bytes are: whoever takes it cleans it and bounds how many there are. */
  writeLine(level: GuestLogLevel, line: Uint8Array): void
}

/** WASI preview 1 for one instance. */
export interface Wasi {
  /**
   * Every function of preview 1. None throws but proc_exit, a GuestExit; what a guest asks for and must not have is an
   * answer. A call that there is no fuel for does nothing and answers AGAIN.
   */
  readonly imports: Readonly<Record<WasiFunction, WebAssembly.ImportFunction>>
  /**
   * These of the directories that it began with are granted from now on, with this access. Whatever was opened through
   * the others is closed, and what stays can no more than is granted. A descriptor that was withdrawn is NOTCAPABLE for
   * whatever it is used, and is closed as any other; a directory that is granted again has its old number.
   */
  grant(granted: readonly Preopen[]): void
  /** Gives away what was written and had no end of line, and closes every descriptor. May be called twice. */
  close(): void
}

function guarded(call: Call, payFirst: () => void): WebAssembly.ImportFunction {
  return (...parameters) => {
    try {
      payFirst()
      call(...(parameters as never[]))
      return errno.SUCCESS
    } catch (cause) {
      if (cause instanceof Refusal) return cause.errno
      throw cause
    }
  }
}

const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

/** Gives an instance what was granted, and no more. A directory that cannot be opened is left out, and its log says so. */
export function createWasi(grants: WasiGrants, needs: WasiNeeds): Wasi {
  const output = (level: GuestLogLevel) => createLineOutput((line) => needs.writeLine(level, line))
  const sayMissing = ({ name }: Preopen, cause: unknown): void =>
    needs.writeLine('warn', Buffer.from(`${name} was granted and cannot be opened as a directory: ${reasonOf(cause)}`))
  const descriptors = openDescriptors({
    preopens: grants.preopens,
    stdout: output('info'),
    stderr: output('warn'),
    onMissing: sayMissing,
  })
  const pay = (units: number): void => {
    if (!needs.pay(units)) refuse('AGAIN')
  }
  const world: World = { memory: openGuestMemory(needs.memory), descriptors, pay, end: needs.end }

  const calls: Record<WasiFunction, Call> = {
    ...stringCalls(world, grants.arguments, grants.environment),
    ...clockCalls(world, needs),
    ...descriptorCalls(world),
    ...fileCalls(world),
    ...directoryCalls(world),
    ...pathCalls(world),
    ...pollCalls(world, needs),
    ...processCalls(world),
  }
  const names = Object.keys(calls) as WasiFunction[]
  const imports = Object.fromEntries(
    names.map((name) => [name, guarded(calls[name], () => pay(priceOf(name)))]),
  ) as Wasi['imports']
  return { imports, grant: descriptors.grant, close: descriptors.closeAll }
}
