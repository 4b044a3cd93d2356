import { hasMaximum, type Limits, refuse } from './module-survey.ts'
import type { WasmWriter } from './wasm-bytes.ts'

/**
 * The most that each memory, or each table, may grow to, in their order: together never more than the limit. What they do
 * not begin with is shared evenly, and what one of them does not want, by its own maximum, the others have.
 *
 * Throws PLUGIN_INVALID where all of them, at their smallest, are more than the limit.
 */
export function shareLimit(what: string, limit: number, all: readonly Limits[]): readonly number[] {
  const promised = all.reduce((sum, { minimum }) => sum + minimum, 0)
  if (promised > limit) {
    throw refuse(
      `the module asks for at least ${promised} ${what}, and may have ${limit}`,
      'build it for less, or raise the limit in its manifest',
    )
  }
  const shares = all.map(({ minimum, maximum }, index) => ({ index, minimum, wanted: maximum - minimum }))
  const most: number[] = []
  let left = limit - promised
  // Who wants least is asked first: what is then left is shared by those who want more than their part.
  const inTurn = shares.sort((one, other) => (one.wanted < other.wanted ? -1 : one.wanted > other.wanted ? 1 : 0))
  for (const [turn, { index, minimum, wanted }] of inTurn.entries()) {
    const part = Math.min(wanted, Math.floor(left / (inTurn.length - turn)))
    most[index] = minimum + part
    left -= part
  }
  return most
}

export function writeLimits(out: WasmWriter, { flags, minimum }: Limits, most: number): void {
  out.byte(flags | hasMaximum)
  out.number(minimum)
  out.number(most)
}
