import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { describeExit } from '../../supervision/exit.ts'
import { type FoundProcess, identify, type ProcessIdentity } from '../../supervision/found-process.ts'

/** How a process ended, from its status. */
export interface ProcessExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** In the operator's words. */
export const describeEnd = (exit: ProcessExit | undefined): string =>
  exit === undefined ? 'ended' : describeExit(exit.code, exit.signal)

/** A process of the data plane. It outlives us; a later helper adopts it. */
export interface DataProcess extends ProcessIdentity {
  /** Resolves when it is gone; with undefined where it was not our child, whose status nobody gets. */
  readonly exited: Promise<ProcessExit | undefined>
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

function watchChild(child: ChildProcess): DataProcess {
  const exited = new Promise<ProcessExit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await exited
  }
  const pid = child.pid as number
  return { pid, startTicks: identify(pid).startTicks, exited, kill }
}

/**
 * Starts a process of the data plane in a session of its own, so that neither a Ctrl-C for us nor our end reaches it,
 * and with nothing in its environment.
 * `logFd` takes its stderr: a file, because a pipe would break with us. `inherited` become its descriptors from 4 on.
 */
export async function startDataProcess(
  command: string,
  args: readonly string[],
  logFd: number,
  inherited: readonly number[] = [],
): Promise<ReportingProcess> {
  const child = spawn(command, [...args], {
    detached: true,
    env: {}, // what is in ours is nobody else's: a plugin can read its own
    stdio: ['ignore', 'ignore', logFd, 'pipe', ...inherited],
  })
  await once(child, 'spawn')
  child.unref()
  const pipe = child.stdio[3] as Readable
  return { ...watchChild(child), report: readReport(pipe) }
}

/** Takes over a process that a helper before us started. */
export function adoptDataProcess(found: FoundProcess): DataProcess {
  const { pid, startTicks } = found
  const exited = found.exited.then(() => undefined)
  const kill = async (): Promise<void> => {
    found.send('SIGKILL')
    await exited
  }
  return { pid, startTicks, exited, kill }
}
