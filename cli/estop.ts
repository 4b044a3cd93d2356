import { existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { Command } from 'commander'
import { rigStatus as layout } from '../gen/layout.ts'
import {
  type ClearEstopResponse,
  type EngageEstopResponse,
  type Estop,
  RigServiceClient,
} from '../gen/proto/openracing/v1/rig.ts'
import { call, within } from '../rpc/client.ts'
import { RigError } from '../rpc/failure.ts'
import { findHome, type Home } from '../rpc/home.ts'
import { isTicking, openRigWindow, type RigWindow } from '../shm/rig-window.ts'
import { openEstop } from '../state/estop.ts'
import { answerMs, targetOf, withClient } from './endpoint.ts'
import { describeEstop } from './rig-status.ts'

/** How long the host may take, ms, before the stop goes past it: somebody's hand may be in the wheel. */
const hostMs = 500
/** How long the loop may take to say that it has stopped, ms: two ticks, and to notice that its cell is gone and end. */
const loopMs = 500

/** Whether the loop of a rig says that it holds torque at zero, and which one drives on. */
async function readForce(home: Home): Promise<Pick<Estop, 'inForce' | 'drivingPid'>> {
  const bytes = Buffer.alloc(layout.lateness.offset)
  let window: RigWindow | undefined
  try {
    window = openRigWindow(home)
    for (const startMs = performance.now(); performance.now() - startMs < loopMs; await delay(1)) {
      window.copy(bytes)
      if (!isTicking(bytes, process.hrtime.bigint())) return { inForce: false, drivingPid: 0 }
      if (bytes.readUInt32LE(layout.estopped.offset) === 1) return { inForce: true, drivingPid: 0 }
    }
    return { inForce: false, drivingPid: bytes.readUInt32LE(layout.pid.offset) }
  } catch (cause) {
    if (cause instanceof RigError) return { inForce: false, drivingPid: 0 } // there is no loop
    throw cause
  } finally {
    window?.close()
  }
}

/** What the host would do, where it does not answer: into the cell that the loop reads, and onto the disk. */
async function stopWithoutHost(home: Home, reason: string): Promise<Estop> {
  const estop = openEstop(home, Date.now)
  const { engaged, warning } = estop.engage(reason)
  estop.close()
  return {
    engaged: true,
    sinceUnixMs: BigInt(engaged?.sinceMs ?? 0),
    reason: engaged?.reason ?? '',
    ...(await readForce(home)),
    warning,
  }
}

const ours = (home: Home): string => `unix:${home.socket('host')}`

const isUnanswered = (cause: unknown): boolean => cause instanceof RigError && cause.code === 'SERVICE_UNAVAILABLE'

/** A stop that does not stop is a failure of the command, whoever reads what it says. */
function tell(estop: Estop | undefined): void {
  process.stdout.write(`estop ${describeEstop(estop)}\n`)
  if (estop !== undefined && estop.drivingPid !== 0) process.exitCode = 2
}

/** `wheelctl rig estop` */
export async function stopRig({ reason }: { readonly reason: string }, command: Command): Promise<void> {
  try {
    const { estop } = await withClient(command, RigServiceClient, (client) =>
      call<EngageEstopResponse>((done) => client.engageEstop({ reason }, ...within(hostMs), done)),
    )
    tell(estop)
  } catch (cause) {
    const home = findHome(process.env)
    const { endpoint } = targetOf(command) // never this rig for one that is elsewhere
    if (!isUnanswered(cause) || endpoint !== ours(home) || !existsSync(home.shmDir)) throw cause
    tell(await stopWithoutHost(home, reason))
    process.stderr.write(
      `wheelctl: no host answers; the stop was written into the shared memory of the rig in ${home.shmDir}, and the next host keeps to it\n`,
    )
  }
}

/** `wheelctl rig clear` */
export async function clearRig(_: object, command: Command): Promise<void> {
  const { estop } = await withClient(command, RigServiceClient, (client) =>
    call<ClearEstopResponse>((done) => client.clearEstop({}, ...within(answerMs), done)),
  )
  process.stdout.write(`estop ${describeEstop(estop)}\n`)
}
