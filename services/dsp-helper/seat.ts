import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { FastPluginSpec } from '../../gen/proto/openracing/v1/dsp_helper.ts'
import { PluginState } from '../../gen/proto/openracing/v1/plugin.ts'
import { RigError } from '../../rpc/failure.ts'
import type { PluginReport } from '../../shm/plugin-report.ts'
import { keepRunning } from '../../supervision/keep-running.ts'
import { standardRestart } from '../../supervision/restart.ts'
import type { Violation } from './conduct.ts'
import type { ChainPlace } from './control.ts'
import { judgeEnding, type Reason } from './plugin-ending.ts'
import {
  adoptPluginProcess,
  type PluginProcess,
  type PluginProcessNeeds,
  removeFiles,
  reportOf,
  startPluginProcess,
} from './plugin-process.ts'
import { gapOf, refusalOf, type SandboxWatch } from './sandbox.ts'

/** How long a library may take to load and create(), ms. */
const createDeadlineMs = 5000

/** Failures that the same library with the same configuration would only repeat. */
const lasting = ['PLUGIN_INVALID', 'PLUGIN_ABI_MISMATCH', 'CONFIG_INVALID', 'PERMISSION_DENIED']

/** What a seat needs from the rig. */
export interface SeatNeeds extends PluginProcessNeeds {
  readonly log: Logger
  readonly sandbox: SandboxWatch
  /** A name for shared memory that was never given out before. */
  readonly nextInstance: () => number
  /** The seat's process or state is another one now. */
  readonly changed: () => void
  /** The loop sends frames to the process that has this number. */
  readonly isFed: (slot: number, instance: number) => boolean
  readonly violated: (violation: Violation) => void
  /** The last report of a process. */
  readonly left: (instance: number, report: PluginReport) => void
}

/** A seat as it is kept for a helper that comes after us. */
export interface SavedSeat {
  readonly slot: number
  readonly life: number
  readonly instance: number
  readonly pid: number
  readonly restarts: number
}

/** A Fast plugin in one version and configuration: its process, started again when it ends. */
export interface Seat extends Readonly<{ spec: FastPluginSpec }> {
  /** Its place in the chain while its process is ready for frames. */
  place(): ChainPlace | undefined
  saved(): SavedSeat
  state(): PluginState
  /** Why it is in this state, where there is something to say. */
  detail(): string
  /** Resolves when its first start has ended one way or the other. */
  readonly settled: Promise<void>
  /** Ends its process, which is then started again. */
  endProcess(why: Reason): void
  /** Ends it for good; resolves when its process is gone. */
  close(): Promise<void>
}

/** What keeps a process from being started at all. */
function failureToStart(cause: unknown): string {
  if (cause instanceof RigError) return cause.message
  return `PLUGIN_FAILED: its process cannot be started (${cause instanceof Error ? cause.message : 'for no reason given'})`
}

/** Puts a plugin into a seat: adopts the process that `saved` names where it still runs, else starts one. */
export function takeSeat(spec: FastPluginSpec, saved: SavedSeat, needs: SeatNeeds): Seat {
  const { shmDir, log } = needs
  const { promise: settled, resolve: settle } = Promise.withResolvers<void>()
  let { instance } = saved
  let process: PluginProcess | undefined = adoptPluginProcess(saved.pid, instance, shmDir)
  let adopted = process !== undefined
  let working = adopted
  let closing = false
  let failed = false
  let ended: Reason | undefined
  let detail = adopted ? 'adopted' : ''

  /** Why the process ended, once it has. A helper that was dead then learns it from what the process left. */
  function judge(exit: Awaited<PluginProcess['exited']>): string {
    const report = reportOf(shmDir, instance)
    const verdict = judgeEnding({ exit, report, ended, fed: needs.isFed(saved.slot, instance) })
    if (verdict.violation !== undefined) needs.violated(verdict.violation)
    return verdict.detail
  }

  function cleanUp(): void {
    const report = reportOf(shmDir, instance)
    if (report !== undefined) needs.left(instance, report)
    removeFiles(shmDir, instance)
  }

  if (!adopted && saved.pid !== 0) {
    detail = judge(undefined)
    cleanUp()
  }

  /** Why it may not go on although it is ready. */
  function confinement(): string | undefined {
    const gap = gapOf(reportOf(shmDir, instance)?.sandbox ?? 0)
    if (gap === undefined) return undefined
    needs.sandbox.found(gap)
    return spec.allowUnsandboxed ? undefined : refusalOf(gap)
  }

  /** Ends a process that does not become ready, and says what it did instead. */
  async function giveUp(started: PluginProcess, late: Promise<unknown>): Promise<string> {
    if ((await Promise.race([started.exited.then(() => 'gone'), late])) !== 'gone')
      ended = { charged: 'timeout', detail: `it was not ready within ${createDeadlineMs} ms` }
    await started.kill()
    return `PLUGIN_FAILED: ${judge(await started.exited)}`
  }

  /** Why the process that was started does not run the plugin; undefined when it does. */
  async function start(): Promise<string | undefined> {
    instance = needs.nextInstance()
    ended = undefined
    const started = await startPluginProcess(spec, instance, needs)
    process = started
    if (closing) await started.kill() // close() came while the process was being made, and could not see it
    const late = delay(createDeadlineMs, '', { ref: false })
    const said = await Promise.race([started.began, late])
    if (said === 'ready') return confinement()
    return said === '' ? giveUp(started, late) : said
  }

  async function begin(): Promise<string | undefined> {
    if (!adopted) return start().catch(failureToStart)
    adopted = false
    confinement() // what it was allowed then stands; that it is not confined is told again
    return undefined
  }

  async function serve(ready: () => void): Promise<string> {
    const running = process as PluginProcess
    working = true
    ready()
    needs.changed()
    log.info({ plugin: spec.name, pid: running.pid, instance }, 'plugin ready')
    settle()
    return judge(await running.exited)
  }

  async function live(ready: () => void): Promise<'again' | 'enough'> {
    const failure = await begin()
    if (failure === undefined) detail = await serve(ready)
    else detail = failure
    await process?.kill()
    working = false
    process = undefined
    failed = failure !== undefined && lasting.includes(failure.split(':', 1)[0] as string)
    if (!closing) log.warn({ plugin: spec.name, instance, detail }, failed ? 'plugin refused' : 'plugin lost')
    needs.changed()
    cleanUp()
    settle()
    return failed ? 'enough' : 'again'
  }

  const kept = keepRunning(live, { policy: standardRestart, now: () => performance.now(), restarts: saved.restarts })

  function state(): PluginState {
    if (failed) return PluginState.PLUGIN_STATE_FAILED
    switch (kept.state().kind) {
      case 'running':
        return PluginState.PLUGIN_STATE_RUNNING
      case 'waiting':
        return PluginState.PLUGIN_STATE_WAITING
      case 'starting':
      case 'stopped':
        return PluginState.PLUGIN_STATE_LOADED
    }
  }

  return {
    spec,
    settled,
    state,
    detail: () => detail,
    place: () => (working ? { slot: saved.slot, life: saved.life, instance, budgetUs: spec.budgetUs } : undefined),
    saved: () => ({ ...saved, instance, pid: process?.pid ?? 0, restarts: kept.state().restarts }),
    endProcess: (why) => {
      ended ??= why
      void process?.kill()
    },
    close: async () => {
      closing = true
      const over = kept.close()
      await process?.kill()
      await over
    },
  }
}
