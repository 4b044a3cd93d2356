import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pino, { type Logger } from 'pino'
import { rigStatus as layout } from '../gen/layout.ts'
import type { FastPlugin } from '../gen/proto/openracing/v1/dsp_helper.ts'
import { createHome, findHome, type Home } from '../rpc/home.ts'
import type { Limits } from '../services/dsp-helper/control.ts'
import { type DataPlane, startDataPlane } from '../services/dsp-helper/data-plane.ts'
import { openRigWindow, type RigWindow } from '../shm/rig-window.ts'
import { produceForce } from './force-producer.ts'
import { letTorqueFlow } from './torque-word.ts'
import { until } from './until.ts'

const build = (name: string): string => fileURLToPath(new URL(`../native/build/${name}`, import.meta.url))
const programs = { wheelRt: build('wheel-rt'), wheelDsp: build('wheel-dsp') }
/** Full strength, so that what goes in is what comes out. */
export const limits: Limits = {
  gain: 1,
  maxTorqueNm: 5,
  maxSlewNmPerS: 5000,
  simulatedWheel: false,
  assent: false,
  waiting: 'predictive',
}
const silent = pino({ level: 'silent' })

/** What a data plane may have that is not the usual. */
export interface PlaneWishes {
  readonly wheelDsp?: string
  readonly log?: Logger
}

/** A data plane under test. */
export interface PlaneUnderTest extends AsyncDisposable {
  readonly home: Home
  readonly directory: string
  readonly plane: DataPlane
  readonly window: RigWindow
}

/** The status of a loop that ticks; undefined while there is none. */
export function windowOf(home: Home): RigWindow | undefined {
  try {
    const window = openRigWindow(home)
    if (window.state() === 'running' && window.beatNs() > 0n) return window
    window.close()
  } catch {
    // wheel-rt has not made it yet
  }
  return undefined
}

/** A data plane of its own: real processes, real shared memory, an independent producer of 2 N·m. */
export async function startPlane({
  wheelDsp = programs.wheelDsp,
  log = silent,
}: PlaneWishes = {}): Promise<PlaneUnderTest> {
  const directory = mkdtempSync(join(tmpdir(), 'openracing-plane-'))
  const home = findHome({ OPENRACING_HOME: directory })
  createHome(home)
  letTorqueFlow(home)
  const plane = startDataPlane({ home, programs: { ...programs, wheelDsp }, log })
  const window = await until('the loop runs', () => windowOf(home))
  const producer = produceForce(home, () => 2)
  return {
    home,
    directory,
    plane,
    window,
    [Symbol.asyncDispose]: async () => {
      producer.close()
      window.close()
      await plane.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** The loop's own counters, as they lie in shared memory. */
export function statusOf(rig: PlaneUnderTest): Buffer {
  const bytes = Buffer.alloc(layout.lateness.offset)
  rig.window.copy(bytes)
  return bytes
}

export const ticks = (rig: PlaneUnderTest): bigint => statusOf(rig).readBigUInt64LE(layout.ticks.offset)
export const torqueNm = (rig: PlaneUnderTest): number => statusOf(rig).readFloatLE(layout.out_nm.offset)

export function pluginOf(rig: PlaneUnderTest, id: string): FastPlugin {
  const found = rig.plane.plugins().find((plugin) => plugin.id === id)
  assert.ok(found, `${id} is in the chain`)
  return found
}

export const executions = (rig: PlaneUnderTest, id: string): bigint => pluginOf(rig, id).statistics?.executions ?? 0n

/** Equal but for the rounding of a float and the tail of a ramp. */
export const near = (value: number, wanted: number): boolean => Math.abs(value - wanted) < 0.01
