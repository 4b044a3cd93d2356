import { Interruption } from './guard.ts'
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

/** V8's word for an instruction that only traps: what the meter ends a run with. */
const isUnreachable = (cause: unknown): boolean =>
  cause instanceof WebAssembly.RuntimeError && cause.message === 'unreachable'

function violationOf(name: string, cause: unknown, fuelLeft: bigint, given: number): Violation {
  if (cause instanceof Interruption) {
    const detail = `${name} was interrupted: it ran for ${cause.ranUs} µs, and may run for ${cause.mayRunUs} µs`
    return { kind: 'budget', detail }
  }
  if (fuelLeft < 0n && isUnreachable(cause)) {
    return { kind: 'budget', detail: `${name} ran out of fuel: it was given ${given} instructions` }
  }
  return { kind: 'crash', detail: `${name} trapped: ${crashDetail(cause)}` }
}

/**
 * What `cause`, which came out of a guest's function `name`, was. A run that ends for want of fuel ends as one that meets
 * `unreachable` does, with less than no fuel left. Between two looks at its fuel a guest may have less than none, too, and
 * trap by itself: that has another name, but for an `unreachable` of its own, which would have been the last it did.
 */
export function faultOf(name: string, cause: unknown, fuelLeft: bigint, given: number): GuestFault {
  if (cause instanceof GuestFault) return cause
  return new GuestFault(violationOf(name, cause, fuelLeft, given), { cause })
}
