import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { RigError } from '../rpc/failure.ts'
import { findHome, type Home } from '../rpc/home.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** How long a host may take to have everything running, ms, and to take it all down. */
const startDeadlineMs = 20_000
const stopDeadlineMs = 10_000

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

const config = `# The sample plugins are not signed.
listen: 127.0.0.1:0
plugins:
  native:
    require_signatures: false
    allow_unsigned: true
`

/** Copies what a user would copy: the manifest and the built artefact. */
function installPlugins(home: Home): void {
  for (const name of readdirSync(join(root, 'plugins'))) {
    if (!existsSync(join(root, 'plugins', name, 'plugin.yaml'))) continue
    const built = join(root, 'plugins', name, 'build')
    if (!existsSync(built)) throw new RigError('FILE_MISSING', `the sample plugin ${name} is not built; run make`)
    const target = join(home.pluginDir, name)
    mkdirSync(target, { recursive: true })
    cpSync(join(root, 'plugins', name, 'plugin.yaml'), join(target, 'plugin.yaml'))
    cpSync(built, join(target, 'build'), { recursive: true })
  }
}

function makeHome(): Home {
  const home = findHome({ OPENRACING_HOME: mkdtempSync(join(tmpdir(), 'openracing-demo-')) })
  mkdirSync(home.configDir, { recursive: true })
  writeFileSync(home.configFile, config)
  installPlugins(home)
  mkdirSync(home.stateDir, { recursive: true })
  return home
}

async function readyLine(host: ChildProcess, logFile: string): Promise<string> {
  const lines = createInterface({ input: host.stdout as NodeJS.ReadableStream })
  const line = once(lines, 'line', { signal: AbortSignal.timeout(startDeadlineMs) })
  const ended = once(host, 'exit')
  const first = await Promise.race([line, ended.then(() => undefined)]).catch(() => undefined)
  if (first !== undefined) return String(first[0])
  const log = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-3).join('\n')
  host.kill('SIGKILL')
  throw new RigError('SERVICE_UNAVAILABLE', `the host did not come up within ${startDeadlineMs} ms; it said:\n${log}`)
}

/** Starts the rig; resolves when the host says that its plugins run. `prepare` may change the home before. */
export async function startDemoRig(prepare: (home: Home) => void = () => undefined): Promise<DemoRig> {
  const home = makeHome()
  prepare(home)
  const directory = home.configDir
  const logFile = join(home.stateDir, 'host.log')
  const host = spawn(process.execPath, [join(root, 'services/host/main.ts'), '--exit-with-stdin'], {
    env: { ...process.env, OPENRACING_HOME: directory },
    // A session of its own: Ctrl-C is for the demo, which then takes the rig down in order.
    detached: true,
    stdio: ['pipe', 'pipe', openSync(logFile, 'a')],
  })
  const exited = once(host, 'exit')

  async function stop(): Promise<void> {
    host.kill('SIGTERM')
    const late = setTimeout(() => host.kill('SIGKILL'), stopDeadlineMs)
    await exited
    clearTimeout(late)
    rmSync(directory, { recursive: true, force: true })
  }
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => (closing ??= stop())
  try {
    return { home, pid: host.pid as number, readyLine: await readyLine(host, logFile), exited, close }
  } catch (cause) {
    await close()
    throw cause
  }
}
