import { stripVTControlCharacters } from 'node:util'
import { createAllowance, type Rate } from '../../network/rate.ts'

export type GuestLogLevel = 'error' | 'warn' | 'info' | 'debug' | 'trace'

/** Bytes of a line that are read from the guest. */
export const lineBytesMax = 1024

/** Lines that one plugin may write at once, and a second from then on: a plugin that logs each tick must not fill a disk. */
const lineRate: Rate = { burst: 20, perSecond: 10 }

/** One line of text: no terminal escapes, no control characters, nothing that turns the direction of the text around. */
export function cleanLine(bytes: Uint8Array): string {
  const text = new TextDecoder().decode(bytes) // lenient: a line that is not UTF-8 is still worth reading
  return stripVTControlCharacters(text)
    .replaceAll(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]+/gu, ' ')
    .trim()
}

export interface LineAllowance {
  /** Whether a line may be written now; `dropped` lines before it were not. */
  ask(nowMs: number): { readonly allowed: boolean; readonly dropped: number }
}

/** `nowMs` is monotonic. */
export function createLineAllowance(nowMs: number): LineAllowance {
  const allowance = createAllowance(lineRate, nowMs)
  let dropped = 0
  return {
    ask(atMs) {
      if (!allowance.ask(atMs)) return { allowed: false, dropped: ++dropped }
      const before = dropped
      dropped = 0
      return { allowed: true, dropped: before }
    },
  }
}

/** Where the lines of one plugin go. */
export interface GuestLog {
  readonly lines: LineAllowance
  log(level: GuestLogLevel, line: string): void
  /** Monotonic, ms. */
  now(): number
}

/** Writes a line of a guest's, cleaned, unless it has written too many; then it is counted, and told with the next. */
export function writeGuestLine(guest: GuestLog, level: GuestLogLevel, line: Uint8Array): void {
  const { allowed, dropped } = guest.lines.ask(guest.now())
  if (!allowed) return
  if (dropped > 0) guest.log('warn', `${dropped} lines of this plugin were dropped: it writes too many`)
  guest.log(level, cleanLine(line.subarray(0, lineBytesMax)))
}
