import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseFailure, RigError } from '../rpc/failure.ts'
import type { Home } from '../rpc/home.ts'
import { makeDemoHome } from './home.ts'

const hostProgram = fileURLToPath(new URL('../services/host/main.ts', import.meta.url))

/** How long a host may take to have everything running, ms, and to take it all down: it gives itself 9.5 s. */
const startDeadlineMs = 20_000
const stopDeadlineMs = 11_000

/** A rig of its own in a temporary home: a real host with the sample plugins. */
export interface DemoRig {
  readonly home: Home
  /** Process id of the host. */
  readonly pid: number
  /** What the host said when everything was running. */
  readonly readyLine: string
  /** Resolves when the host has ended, with or without being asked. */
  readonly exited: Promise<unknown>
  /** Takes the rig down and removes the home. May be called twice. */
  close(): Promise<void>
}

/** Why a host ended that nobody asked to: its own sentence, and with it its exit code, where it said one. */
function hostFailure(logFile: string, how: string): Error {
  const log = readFileSync(logFile, 'utf8')
  const failure = parseFailure(/^openracing: ([A-Z_]+: .+)$/m.exec(log)?.[1] ?? '')
  if (failure !== undefined) return failure
  const said = /^openracing: .*/ms.exec(log)?.[0] ?? 'it did not say why'
  return new Error(`the host ended with ${how} before it was ready; ${said}`)
}

async function readyLine(host: ChildProcess, logFile: string, signal: AbortSignal): Promise<string> {
  const deadline = AbortSignal.timeout(startDeadlineMs)
  const over = { signal: AbortSignal.any([deadline, signal]) }
  const lines = createInterface({ input: host.stdout as NodeJS.ReadableStream })
  const line = once(lines, 'line', over).then(([first]) => String(first))
  const ended = once(host, 'exit', over).then(([code, name]) => {
    throw hostFailure(logFile, code === null ? name : `exit code ${code}`)
  })
  try {
    return await Promise.race([line, ended])
  } catch (cause) {
    signal.throwIfAborted()
    if (!deadline.aborted) throw cause
    const remedy = 'start one with `wheelctl up` to see its log'
    throw new RigError('SERVICE_UNAVAILABLE', `the host was not ready after ${startDeadlineMs} ms; ${remedy}`)
  } finally {
    for (const promise of [line, ended]) promise.catch(() => undefined) // the one that lost ends with the host
  }
}

function startHost(home: Home, logFile: string): ChildProcess {
  const log = openSync(logFile, 'a')
  const host = spawn(process.execPath, [hostProgram, '--exit-with-stdin'], {
    env: { ...process.env, OPENRACING_HOME: home.configDir },
    // A session of its own: Ctrl-C is for the demo, which then takes the rig down in order.
    detached: true,
    stdio: ['pipe', 'pipe', log],
  })
  closeSync(log)
  return host
}

/**
 * Starts the rig; resolves when the host says that its plugins run. `prepare` may change the home before. When `signal`
 * comes first, what there is is taken down and the signal's reason is thrown.
 */
export async function startDemoRig(
  prepare: (home: Home) => void = () => undefined,
  signal: AbortSignal = new AbortController().signal,
): Promise<DemoRig> {
  signal.throwIfAborted()
  const home = makeDemoHome(prepare)
  const logFile = join(home.stateDir, 'host.log')
  const host = startHost(home, logFile)
  const exited = once(host, 'exit')

  async function stop(): Promise<void> {
    host.kill('SIGTERM')
    const late = setTimeout(() => host.kill('SIGKILL'), stopDeadlineMs)
    await exited
    clearTimeout(late)
    rmSync(home.configDir, { recursive: true, force: true })
  }
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => (closing ??= stop())
  try {
    return { home, pid: host.pid as number, readyLine: await readyLine(host, logFile, signal), exited, close }
  } catch (cause) {
    await close()
    throw cause
  }
}
