import { hasMaximum, type Limits, refuse } from './module-survey.ts'
import type { WasmWriter } from './wasm-bytes.ts'

/** What is left of a limit while memories, or tables, take their parts of it. */
export interface Allowance {
  /** The most that one of them may grow to: what no other one was promised. */
  most(limits: Limits): number
}

/** Throws PLUGIN_INVALID where all of them, at their smallest, are more than the limit. */
export function createAllowance(what: string, limit: number, all: readonly Limits[]): Allowance {
  const promised = all.reduce((sum, { minimum }) => sum + minimum, 0)
  if (promised > limit) {
    throw refuse(
      `the module asks for at least ${promised} ${what}, and may have ${limit}`,
      'build it for less, or raise the limit in its manifest',
    )
  }
  let left = limit - promised
  return {
    most({ minimum, maximum }) {
      const most = Math.min(maximum, minimum + left)
      left -= most - minimum
      return most
    },
  }
}

export function writeLimits(out: WasmWriter, limits: Limits, allowance: Allowance): void {
  out.byte(limits.flags | hasMaximum)
  out.number(limits.minimum)
  out.number(allowance.most(limits))
}
