import { readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'

/** How often a process that is not our child is looked at, ms: its end reaches us no other way. */
const lookEveryMs = 20

/** A running process that is not our child. */
export interface FoundProcess {
  readonly pid: number
  /** Resolves when it has ended. */
  readonly exited: Promise<void>
  /** Does nothing once it has ended, also when its number went to another process. */
  send(signal: NodeJS.Signals): void
}

/** The command line of a live process; empty when there is none with this number. */
function commandLine(pid: number): readonly string[] {
  try {
    const text = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    // A zombie has no arguments: it ended, only nobody has asked how.
    return text.split('\0').slice(0, -1)
  } catch {
    return []
  }
}

function follow(pid: number, isIt: () => boolean): FoundProcess {
  const exited = new Promise<void>((resolve) => {
    const look = setInterval(() => {
      if (isIt()) return
      clearInterval(look)
      resolve()
    }, lookEveryMs)
  })
  function send(signal: NodeJS.Signals): void {
    try {
      if (isIt()) process.kill(pid, signal)
    } catch {
      // It ended between the look and the signal, which is what was wanted.
    }
  }
  return { pid, exited, send }
}

/**
 * Follows the process `pid` if `argument` is among its arguments: a number that went to another process since is not
 * ours to watch or to end.
 */
export function followProcess(pid: number, argument: string): FoundProcess | undefined {
  const isIt = (): boolean => commandLine(pid).includes(argument)
  return pid > 1 && isIt() ? follow(pid, isIt) : undefined
}

/** Every process that runs a program of this file name with an argument that `matches`. */
export function findProcesses(program: string, matches: (argument: string) => boolean): readonly FoundProcess[] {
  const isIt = (pid: number): boolean => {
    const [path = '', ...given] = commandLine(pid)
    return basename(path) === program && given.some(matches)
  }
  const pids = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
  return pids.filter(isIt).map((pid) => follow(pid, () => isIt(pid)))
}
