import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describeExit } from '../../supervision/exit.ts'
import { type Confinement, confinedCommand } from './confinement.ts'

/** A program of ours, to be run by the node that runs us. */
export interface ServiceProgram {
  /** Path of its main.ts. */
  readonly file: string
  readonly args: readonly string[]
  readonly environment: NodeJS.ProcessEnv
  /** Undefined: it may do what we may. */
  readonly confinement?: Confinement
}

/** One child process. */
export interface ServiceProcess {
  readonly pid: number
  /** Resolves with how it ended, in the operator's words. */
  readonly exited: Promise<string>
  /** Ends it at once, whatever it is doing. */
  kill(): void
  /** Asks it to end and kills it after the grace period; resolves when it is gone. May be called twice. */
  close(): Promise<void>
}

/** The command line of a program, and what must be there for it is made. */
function commandOf({ file, args, environment, confinement }: ServiceProgram): readonly [string, readonly string[]] {
  const words = [file, ...args]
  if (confinement === undefined) return [process.execPath, words]
  confinement.prepare()
  return confinedCommand(confinement, words, environment)
}

/** Starts a service. Rejects when the system gives us no process. */
export async function startServiceProcess(program: ServiceProgram, graceMs: number): Promise<ServiceProcess> {
  const [command, args] = commandOf(program)
  // Its stdin ends with us, and it ends with its stdin: nothing is left of a host that was killed. What it prints goes
  // to our stderr, because our stdout is for whoever started us. A session of its own, because a Ctrl-C goes to every
  // process of ours, and only we know in which order they end.
  const child = spawn(command, args, { env: program.environment, detached: true, stdio: ['pipe', 2, 2] })
  child.stdin?.on('error', () => {}) // nothing is written; a child that is gone is told by `exit`
  const exited = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(describeExit(code, signal)))
  })
  await once(child, 'spawn')

  let closing: Promise<void> | undefined
  async function end(): Promise<void> {
    child.kill('SIGTERM')
    const late = setTimeout(() => child.kill('SIGKILL'), graceMs)
    await exited
    clearTimeout(late)
  }
  return {
    pid: child.pid as number,
    exited,
    kill: () => void child.kill('SIGKILL'),
    close: () => (closing ??= end()),
  }
}
