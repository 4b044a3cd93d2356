import type { Logger } from 'pino'
import type { Home } from '../../rpc/home.ts'
import { openRigWindow, type RigWindow } from '../../shm/rig-window.ts'
import { followNumber } from '../../supervision/found-process.ts'
import { keepRunning } from '../../supervision/keep-running.ts'
import type { RestartPolicy } from '../../supervision/restart.ts'
import { adoptDataProcess, type DataProcess, describeEnd, startDataProcess } from './data-process.ts'

/**
 * A rig without its loop has no force: it is started again at once, less eagerly only when it keeps ending, and never given
 * up.
 */
const restartPolicy: RestartPolicy = { firstDelayMs: 5, maxDelayMs: 5000, forgiveAfterMs: 10_000, intensity: null }

/** A loop that has not ticked for this long does not run any more, whatever its process does, ns. */
const silenceNs = 2_000_000_000n

export interface WheelRtNeeds {
  readonly home: Home
  /** Path of the wheel-rt program. */
  readonly wheelRt: string
  readonly logFd: number
  readonly log: Logger
  readonly restarts: number
  readonly changed: () => void
}

/** The loop's process, started again when it ends. */
export interface WheelRt {
  /** True when a loop was running already and was taken over. */
  readonly adopted: boolean
  pid(): number
  restarts(): number
  /** Ends the process when its loop has stopped ticking. */
  look(nowNs: bigint): void
  /** Resolves when the process is gone: by itself after `stop` was published, else killed after `graceMs`. */
  close(graceMs: number): Promise<void>
}

/** What `look` sees in the loop's status; `otherwise` where there is none to read. */
function fromStatus<T>(home: Home, look: (window: RigWindow) => T, otherwise: T): T {
  let window: RigWindow | undefined
  try {
    window = openRigWindow(home)
    return look(window)
  } catch {
    return otherwise // no shared memory yet: nothing runs
  } finally {
    window?.close()
  }
}

const newestBeatNs = (home: Home): bigint => fromStatus(home, (window) => window.beatNs(), 0n)

function findRunning(home: Home): DataProcess | undefined {
  const pid = fromStatus(home, (window) => (window.state() === 'running' ? window.pid() : 0), 0)
  const found = followNumber(pid, home.shmDir)
  return found && adoptDataProcess(found)
}

/** Adopts the loop of this rig, or starts it. */
export function keepWheelRt(needs: WheelRtNeeds): WheelRt {
  const { home, log } = needs
  const found = findRunning(home)
  let process: DataProcess | undefined = found
  let startedNs = globalThis.process.hrtime.bigint()

  async function live(ready: () => void): Promise<'again'> {
    // A loop may have been on its way when the helper before us was killed. Ours then finds the rig claimed and ends
    // at once; the next time round that loop has said who it is.
    const args = [home.shmDir, `${home.socket('host')}.lock`]
    const current = process ?? findRunning(home) ?? (await startDataProcess(needs.wheelRt, args, needs.logFd))
    process = current
    startedNs = globalThis.process.hrtime.bigint()
    ready()
    needs.changed()
    log.info({ pid: current.pid }, 'wheel-rt runs')
    const how = describeEnd(await current.exited)
    process = undefined
    log.warn({ pid: current.pid, how }, 'wheel-rt ended')
    return 'again'
  }

  const kept = keepRunning(live, { policy: restartPolicy, now: () => performance.now(), restarts: needs.restarts })

  function look(nowNs: bigint): void {
    if (process === undefined || nowNs - startedNs < silenceNs) return
    const silentNs = nowNs - newestBeatNs(home)
    if (silentNs < silenceNs) return
    log.error({ pid: process.pid, silentMs: Number(silentNs / 1_000_000n) }, 'wheel-rt does not tick; ending it')
    void process.kill()
  }

  async function close(graceMs: number): Promise<void> {
    const over = kept.close()
    const late = setTimeout(() => void process?.kill(), graceMs)
    await over
    clearTimeout(late)
  }

  return {
    adopted: found !== undefined,
    pid: () => process?.pid ?? 0,
    restarts: () => kept.state().restarts,
    look,
    close,
  }
}
