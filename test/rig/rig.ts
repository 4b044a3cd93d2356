import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type DemoRig, startDemoRig } from '../../demo/rig.ts'
import {
  type ListPluginsResponse,
  type Plugin,
  PluginServiceClient,
  PluginState,
} from '../../gen/proto/openracing/v1/plugin.ts'
import {
  type ListServicesResponse,
  type Service,
  ServiceState,
  SupervisorServiceClient,
} from '../../gen/proto/openracing/v1/supervisor.ts'
import { call, connect, within } from '../../rpc/client.ts'
import type { Home } from '../../rpc/home.ts'
import { ready as hostReady, readyLine } from '../host-ready.ts'
import { maxStepNm, recordLoop } from '../loop-record.ts'
import { until } from '../until.ts'

/** A whole rig under test, with its public API. */
export interface RigUnderTest extends AsyncDisposable {
  readonly rig: DemoRig
  plugins(): Promise<readonly Plugin[]>
  plugin(name: string): Promise<Plugin>
  services(): Promise<readonly Service[]>
  service(name: string): Promise<Service>
}

/** The public API of the rig in `home`. */
export function apiOf(home: Home) {
  const plugins = connect(PluginServiceClient, `unix:${home.socket('host')}`)
  const supervisor = connect(SupervisorServiceClient, `unix:${home.socket('host')}`)
  return {
    plugins: async () =>
      (await call<ListPluginsResponse>((done) => plugins.listPlugins({}, ...within(5000), done))).plugins,
    services: async () =>
      (await call<ListServicesResponse>((done) => supervisor.listServices({}, ...within(5000), done))).services,
    close: () => {
      plugins.close()
      supervisor.close()
    },
  }
}

function named<T extends { readonly name: string }>(name: string, all: readonly T[]): T {
  const found = all.find((one) => one.name === name)
  assert.ok(found, `${name} is among ${all.map((one) => one.name).join(', ')}`)
  return found
}

function underTest(rig: DemoRig): RigUnderTest {
  const api = apiOf(rig.home)
  return {
    rig,
    plugins: api.plugins,
    services: api.services,
    plugin: async (name) => named(name, await api.plugins()),
    service: async (name) => named(name, await api.services()),
    [Symbol.asyncDispose]: async () => {
      api.close()
      await rig.close()
    },
  }
}

/** A rig of which that is up which was so by the time its first line was due. */
export const startRigInTime = async (prepare?: (home: Home) => void): Promise<RigUnderTest> =>
  underTest(await startDemoRig(prepare))

/** The line that says that everything that was asked for runs or has failed, when it is said. */
export function readyLineOf({ rig }: RigUnderTest): Promise<string> {
  const log = join(rig.home.stateDir, 'host.log')
  return until(
    'the rig is ready',
    () => readyLine.exec(rig.readyLine)?.[0] ?? readyLine.exec(readFileSync(log, 'utf8'))?.[0],
  )
}

/** A rig of which everything that was asked for runs or has failed. */
export async function startRig(prepare?: (home: Home) => void): Promise<RigUnderTest> {
  const rig = await startRigInTime(prepare)
  try {
    await readyLineOf(rig)
    return rig
  } catch (cause) {
    await rig[Symbol.asyncDispose]()
    throw cause
  }
}

const hostProgram = fileURLToPath(new URL('../../services/host/main.ts', import.meta.url))

/** A host on a home that another host had. */
export interface NextHost extends AsyncDisposable {
  readonly pid: number
  readonly exited: Promise<unknown>
  kill(signal: NodeJS.Signals): void
}

/** Starts a host on a home that has everything but one; resolves when it says that it is ready. */
export async function startNextHost(home: Home): Promise<NextHost> {
  const host = spawn(process.execPath, [hostProgram, '--exit-with-stdin'], {
    env: { ...process.env, OPENRACING_HOME: home.configDir },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const exited = once(host, 'exit')
  await hostReady(host)
  return {
    pid: host.pid as number,
    exited,
    kill: (signal) => void host.kill(signal),
    [Symbol.asyncDispose]: async () => {
      host.kill('SIGTERM')
      await exited
    },
  }
}

export const isRunning = (plugin: Plugin): boolean => plugin.state === PluginState.PLUGIN_STATE_RUNNING

/** Kills the process of a service and waits until another one serves in its place. */
export async function killService(rig: RigUnderTest, name: string): Promise<void> {
  const before = await rig.service(name)
  process.kill(before.pid, 'SIGKILL')
  await until(`${name} serves again`, async () => {
    const now = await rig.service(name)
    return now.state === ServiceState.SERVICE_STATE_RUNNING && now.pid !== before.pid && now.restarts > before.restarts
  })
}

/** Everything that the loop said, tick by tick. */
export interface LoopWatch {
  /** Numbers of ticks that are missing between the first and the newest. */
  gaps(): readonly bigint[]
  /** Largest change of torque from one tick to the next beyond the change of what came in, N·m. */
  maxStepNm(): number
  /** Torque of the newest tick, N·m. */
  torqueNm(): number
  ticks(): number
  close(): void
}

export function watchLoop(home: Home): LoopWatch {
  const record = recordLoop(home)
  return {
    gaps: record.gaps,
    maxStepNm: () => maxStepNm(record.ticks()),
    torqueNm: () => record.ticks().at(-1)?.torqueNm ?? Number.NaN,
    ticks: () => record.ticks().length,
    close: record[Symbol.dispose],
  }
}
