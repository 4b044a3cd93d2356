import { readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'

/** How often a process that is not our child is looked at, ms: its end reaches us no other way. */
const lookEveryMs = 20

/**
 * Which process is meant, for good: the kernel gives a number again only to a process that starts later. Nothing that
 * the process does to itself changes it.
 */
export interface ProcessIdentity {
  readonly pid: number
  /** When it was started, in clock ticks since the machine was. */
  readonly startTicks: number
}

/** Where there is no process. */
export const nobody: ProcessIdentity = { pid: 0, startTicks: 0 }

/** A running process that is not our child. */
export interface FoundProcess extends ProcessIdentity {
  /** Resolves when it has ended. */
  readonly exited: Promise<void>
  /** Does nothing once it has ended, also when its number went to another process. */
  send(signal: NodeJS.Signals): void
}

/** A file of a process in /proc; empty when there is none with this number. */
function ofProcess(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}

/** The command line of a process: what it was started with, unless it wrote over it. */
const commandLine = (pid: number): readonly string[] => ofProcess(pid, 'cmdline').split('\0').slice(0, -1)

/** The live process that has this number now; `nobody` where there is none. */
export function identify(pid: number): ProcessIdentity {
  const stat = ofProcess(pid, 'stat')
  // The name, the second field, may have spaces and parentheses in it: the third begins behind the last of these.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state = ''] = fields
  const startTicks = Number(fields[22 - 3] ?? 0)
  // A zombie ended, only nobody has asked how.
  return startTicks > 0 && !['Z', 'X'].includes(state) ? { pid, startTicks } : nobody
}

/** Follows the process that this is, while it runs. */
export function followProcess({ pid, startTicks }: ProcessIdentity): FoundProcess | undefined {
  const isIt = (): boolean => identify(pid).startTicks === startTicks
  if (pid <= 1 || startTicks === 0 || !isIt()) return undefined
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
  return { pid, startTicks, exited, send }
}

/** The process of this number, while `isIt` says so of its command line: for programs that leave that alone. */
function followByArguments(pid: number, isIt: (line: readonly string[]) => boolean): FoundProcess | undefined {
  const identity = identify(pid) // before its arguments are read: another that gets the number then is not followed
  return isIt(commandLine(pid)) ? followProcess(identity) : undefined
}

/**
 * Follows the process `pid` if `argument` is among its arguments: a number that went to another process since is not
 * ours to watch or to end.
 */
export const followNumber = (pid: number, argument: string): FoundProcess | undefined =>
  followByArguments(pid, (line) => line.includes(argument))

/** Every process that runs a program of this file name with an argument that `matches`. */
export function findProcesses(program: string, matches: (argument: string) => boolean): readonly FoundProcess[] {
  const isIt = ([path = '', ...given]: readonly string[]): boolean => basename(path) === program && given.some(matches)
  const pids = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
  return pids.flatMap((pid) => followByArguments(pid, isIt) ?? [])
}
