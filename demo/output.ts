import type { Reading } from './reading.ts'
import { draw, drawLine } from './screen.ts'

/** Where the demo shows the rig while it runs. */
export interface Output {
  /** How often it wants a new reading, ms. */
  readonly everyMs: number
  /** `before`: a reading of about a second ago. */
  show(before: Reading, now: Reading): void
  /** Leaves the terminal as it was. */
  close(): void
}

const clearScreen = '\x1b[H\x1b[J'
/** No cursor, and lines that are too long end at the edge. */
const enterScreen = '\x1b[?25l\x1b[?7l'
const leaveScreen = '\x1b[?7h\x1b[?25h'

function screen(title: string, colour: boolean): Output {
  process.stdout.write(enterScreen)
  return {
    everyMs: 100,
    show: (before, now) => process.stdout.write(`${clearScreen}${draw(title, before, now, { colour }).join('\n')}\n`),
    close: () => process.stdout.write(leaveScreen),
  }
}

const lines: Output = {
  everyMs: 1000,
  show: (before, now) => process.stdout.write(`${drawLine(before, now)}\n`),
  close: () => undefined,
}

/** For programs: the summary is all that is printed. */
const nothing: Output = { everyMs: 1000, show: () => undefined, close: () => undefined }

/** A redrawn screen on a terminal, plain lines elsewhere, nothing when `json` is wanted. */
export function openOutput(title: string, json: boolean, environment: NodeJS.ProcessEnv): Output {
  if (json) return nothing
  return process.stdout.isTTY ? screen(title, !environment.NO_COLOR) : lines
}
