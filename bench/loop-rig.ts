import { spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pino from 'pino'
import { rigStatus, rigStatusBytes, type rigWaitings } from '../gen/layout.ts'
import { createHome, findHome, type Home } from '../rpc/home.ts'
import { encodeControl } from '../services/dsp-helper/control.ts'
import { watchSandbox } from '../services/dsp-helper/sandbox.ts'
import { type Seat, takeSeat } from '../services/dsp-helper/seat.ts'
import { openControlSlot } from '../shm/slots.ts'
import { nobody } from '../supervision/found-process.ts'
import { fastPlugin } from '../test/native-plugin.ts'
import { windowOf } from '../test/plane.ts'
import { letTorqueFlow } from '../test/torque-word.ts'
import { until } from '../test/until.ts'
import { cpuNsOf } from './cpu-time.ts'
import { builtProgram, endChild } from './program.ts'

const program = (name: string): string => fileURLToPath(new URL(`../native/build/${name}`, import.meta.url))
const limits = { gain: 1, maxTorqueNm: 5, maxSlewNmPerS: 5000, simulatedWheel: false }

/** How long the loop waits for an answer, µs: the guide's budget of a Fast plugin. */
export const budgetUs = 200

/** How the loop and a plugin's process wait for each other; native/rig.h. */
export type Waiting = (typeof rigWaitings)[number]

/** A real wheel-rt with real wheel-dsp processes, and nobody else: no host, no dsp-helper, no producer. */
export interface LoopRig extends AsyncDisposable {
  /** RigStatus, as it is now. */
  status(): Buffer
  /** CPU time of all its processes so far, ns. */
  cpuNs(): number
}

async function takeSeats(count: number, home: Home, logFd: number): Promise<readonly Seat[]> {
  if (count === 0) return []
  let instances = 0
  const log = pino({ level: 'silent' })
  const needs = {
    shmDir: home.shmDir,
    wheelDsp: program('wheel-dsp'),
    logFd,
    log,
    sandbox: watchSandbox(log),
    nextInstance: () => ++instances,
    changed: () => undefined,
    isFed: () => true,
    wasBusy: () => false,
    violated: () => undefined,
    left: () => undefined,
  }
  const library = builtProgram('pass_through.so')
  const seats = Array.from({ length: count }, (_, slot) =>
    takeSeat(
      { ...fastPlugin(`pass-through-${slot}`, library), budgetUs },
      { slot, life: slot + 1, instance: 0, fence: 0, ...nobody, restarts: 0 },
      needs,
    ),
  )
  await Promise.all(seats.map((seat) => seat.settled))
  return seats
}

/** A chain that does not fit into a tick never calls its last plugins: then this many ticks are enough. */
const settlingTicks = 2000

/**
 * Starts a loop with a chain of `plugins` pass-through plugins; resolves when every one of them that fits into a tick has
 * answered a few frames.
 */
export async function startLoopRig(plugins: number, waiting: Waiting): Promise<LoopRig> {
  await using parts = new AsyncDisposableStack()
  const directory = mkdtempSync(join(tmpdir(), 'openracing-bench-'))
  const home = findHome({ OPENRACING_HOME: directory })
  parts.defer(() => {
    for (const made of [directory, home.shmDir]) rmSync(made, { recursive: true, force: true })
  })
  createHome(home)
  letTorqueFlow(home)
  const logFd = openSync(join(home.stateDir, 'data-plane.log'), 'a', 0o600)
  parts.defer(() => closeSync(logFd))
  const seats = await takeSeats(plugins, home, logFd)
  parts.defer(async () => void (await Promise.all(seats.map((seat) => seat.close()))))
  const control = openControlSlot(home)
  parts.defer(() => control.close())
  const ready = seats.flatMap((seat) => seat.place() ?? [])
  if (ready.length < plugins)
    throw new Error(`a plugin did not start: ${seats.find((seat) => !seat.place())?.detail()}`)
  const chain = ready.map((place) => ({ ...place, every: 1 }))
  const told = { ...limits, assent: false, waiting }
  control.publish(encodeControl({ stop: false, limits: told, chain }, process.hrtime.bigint()))

  const loop = spawn(program('wheel-rt'), [home.shmDir, join(home.runtimeDir, 'host.sock.lock')], { stdio: 'ignore' })
  parts.defer(() => endChild(loop))
  const window = await until('the loop runs', () => windowOf(home))
  parts.defer(() => window.close())
  function status(): Buffer {
    const bytes = Buffer.alloc(rigStatusBytes)
    window.copy(bytes)
    return bytes
  }
  const allAnswer = (): boolean => seats.every((seat) => window.slot(seat.saved().slot).executions >= 50n)
  await until('the chain has settled', () => allAnswer() || counterOf(status(), 'ticks') > settlingTicks)

  const pids = [loop.pid as number, ...seats.map((seat) => seat.saved().pid)]
  const whole = parts.move()
  return {
    status,
    cpuNs: () => pids.reduce((sum, pid) => sum + cpuNsOf(pid), 0),
    [Symbol.asyncDispose]: () => whole.disposeAsync(),
  }
}

/** A 64-bit counter of a RigStatus. */
export const counterOf = (status: Buffer, name: 'ticks' | 'missed_ticks'): number =>
  Number(status.readBigUInt64LE(rigStatus[name].offset))
