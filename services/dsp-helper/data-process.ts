import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { Readable } from 'node:stream'

/** How often a process that is not our child is looked at, ms: its end reaches us no other way. */
const lookEveryMs = 20

/** A process of the data plane. It outlives us; a later helper adopts it. */
export interface DataProcess {
  readonly pid: number
  /** Resolves with how it ended, in the operator's words. */
  readonly exited: Promise<string>
  /** Ends it at once; resolves when it is gone. May be called twice. */
  kill(): Promise<void>
}

/** A process that says on file descriptor 3, once, how it began. */
export interface ReportingProcess extends DataProcess {
  /** What it said, at most 1 KiB; empty when it ended without a word. */
  readonly report: Promise<string>
}

const reportBytesMax = 1024

async function readReport(stream: Readable): Promise<string> {
  let text = ''
  stream.setEncoding('utf8')
  for await (const chunk of stream) {
    text += chunk
    if (text.length > reportBytesMax) break
  }
  return text.slice(0, reportBytesMax)
}

const describe = (code: number | null, signal: NodeJS.Signals | null): string =>
  signal === null ? `exited with code ${code}` : `was ended by ${signal}`

function watchChild(child: ChildProcess): DataProcess {
  const exited = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(describe(code, signal)))
  })
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await exited
  }
  return { pid: child.pid as number, exited, kill }
}

/**
 * Starts a process of the data plane in a session of its own, so that neither a Ctrl-C for us nor our end reaches it.
 * `logFd` takes its stderr: a file, because a pipe would break with us.
 */
export async function startDataProcess(
  command: string,
  args: readonly string[],
  logFd: number,
): Promise<ReportingProcess> {
  const child = spawn(command, [...args], { detached: true, stdio: ['ignore', 'ignore', logFd, 'pipe'] })
  await once(child, 'spawn')
  child.unref()
  const pipe = child.stdio[3] as Readable
  return { ...watchChild(child), report: readReport(pipe) }
}

/** The arguments of a live process, or undefined when there is none with this number. */
function argumentsOf(pid: number): readonly string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    // A zombie has no arguments: it ended, only nobody has asked how.
    return text === '' ? undefined : text.split('\0')
  } catch {
    return undefined
  }
}

const isRunning = (pid: number, argument: string): boolean => argumentsOf(pid)?.includes(argument) ?? false

/**
 * Takes over a process that a helper before us started. `argument`, a path of this rig alone, must be among its
 * arguments: a number that went to another process since is not ours to watch or kill.
 */
export function adoptDataProcess(pid: number, argument: string): DataProcess | undefined {
  if (pid <= 1 || !isRunning(pid, argument)) return undefined
  const exited = new Promise<string>((resolve) => {
    const look = setInterval(() => {
      if (isRunning(pid, argument)) return
      clearInterval(look)
      resolve('ended')
    }, lookEveryMs)
    look.unref()
  })
  const kill = async (): Promise<void> => {
    try {
      if (isRunning(pid, argument)) process.kill(pid, 'SIGKILL')
    } catch {
      // It ended between the look and the kill, which is what was wanted.
    }
    await exited
  }
  return { pid, exited, kill }
}
