import type { FileTime } from './beneath.ts'
import { refuse } from './errno.ts'

// Numbers as a guest gives them: i32 and i64, unsigned where preview 1 has them unsigned.

/** A u64 that has to be a number here. INVAL for more than 2^53: no file is as large. */
export function offsetOf(value: bigint): number {
  const offset = BigInt.asUintN(64, value)
  return offset <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(offset) : refuse('INVAL')
}

/** An s64. */
export function deltaOf(value: bigint): number {
  const delta = Number(BigInt.asIntN(64, value))
  return Number.isSafeInteger(delta) ? delta : refuse('INVAL')
}

/** Bits of which each has to be known. */
export function flagsOf(value: number, known: number): number {
  return (value & ~known) === 0 ? value : refuse('INVAL')
}

/** `fstflags` of typenames.witx. */
const timeFlags = { access: 1, accessNow: 2, modification: 4, modificationNow: 8 } as const
const timeMax = 2n ** 63n - 1n

function timeOf(value: bigint, flags: number, given: number, now: number): FileTime {
  if ((flags & given) !== 0 && (flags & now) !== 0) refuse('INVAL')
  if ((flags & now) !== 0) return 'now'
  if ((flags & given) === 0) return 'same'
  const time = BigInt.asUintN(64, value)
  return time <= timeMax ? time : refuse('INVAL')
}

/** The times of access and modification that a guest wants a file to have. */
export function timesOf(access: bigint, modification: bigint, flags: number): readonly [FileTime, FileTime] {
  const known = flagsOf(flags, 15)
  return [
    timeOf(access, known, timeFlags.access, timeFlags.accessNow),
    timeOf(modification, known, timeFlags.modification, timeFlags.modificationNow),
  ]
}
