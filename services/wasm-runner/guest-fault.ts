import type { Violation } from './violation.ts'

/** What a guest did wrong: an exception that its code is to blame for. */
export class GuestFault extends Error {
  override readonly name = 'GuestFault'
  readonly violation: Violation

  constructor(violation: Violation, options?: ErrorOptions) {
    super(violation.detail, options)
    this.violation = violation
  }
}

/** What V8 throws where the stack ends; a trap of WebAssembly is another class. */
const stackEnd = /call stack/

function crashDetail(cause: unknown): string {
  if (cause instanceof RangeError && stackEnd.test(cause.message)) return 'stack overflow'
  return cause instanceof Error ? cause.message : 'it threw an exception that nobody caught'
}

/**
 * What `cause`, which came out of a guest's function `name`, was. A run that ends for want of fuel traps as
 * `unreachable` does, and leaves less than no fuel behind, which nothing else that traps does.
 */
export function faultOf(name: string, cause: unknown, fuelLeft: bigint, given: number): GuestFault {
  if (cause instanceof GuestFault) return cause
  const trapped = cause instanceof WebAssembly.RuntimeError && fuelLeft < 0n
  const violation: Violation = trapped
    ? { kind: 'budget', detail: `${name} ran out of fuel: it was given ${given} instructions` }
    : { kind: 'crash', detail: `${name} trapped: ${crashDetail(cause)}` }
  return new GuestFault(violation, { cause })
}
