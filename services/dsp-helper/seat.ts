import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { FastPluginSpec } from '../../gen/proto/openracing/v1/dsp_helper.ts'
import { PluginState } from '../../gen/proto/openracing/v1/plugin.ts'
import { createPluginSegment } from '../../shm/plugin-segment.ts'
import { keepRunning } from '../../supervision/keep-running.ts'
import { standardRestart } from '../../supervision/restart.ts'
import type { ChainPlace } from './control.ts'
import { adoptDataProcess, type DataProcess, startDataProcess } from './data-process.ts'

/** How long a library may take to load and create(), ms. */
const createDeadlineMs = 5000

/** Failures that the same library with the same configuration would only repeat. */
const lasting = ['PLUGIN_INVALID', 'PLUGIN_ABI_MISMATCH', 'CONFIG_INVALID']

/** What a seat needs from the rig. */
export interface SeatNeeds {
  readonly shmDir: string
  /** Path of the wheel-dsp program. */
  readonly wheelDsp: string
  /** Where its stderr goes. */
  readonly logFd: number
  readonly log: Logger
  /** A name for shared memory that was never given out before. */
  readonly nextInstance: () => number
  /** The seat's process or state is another one now. */
  readonly changed: () => void
}

/** A seat as it is kept for a helper that comes after us. */
export interface SavedSeat {
  readonly slot: number
  readonly life: number
  readonly instance: number
  readonly pid: number
  readonly restarts: number
}

/** One Fast plugin's place in the rig: its process, started again when it ends. */
export interface Seat extends Readonly<{ spec: FastPluginSpec }> {
  /** Its place in the chain while its process is ready for frames. */
  place(): ChainPlace | undefined
  saved(): SavedSeat
  state(): PluginState
  /** Why it is in this state, where there is something to say. */
  detail(): string
  /** Resolves when its first start has ended one way or the other. */
  readonly settled: Promise<void>
  /** Ends its process, which is then started again. `why` is for the operator. */
  killProcess(why: string): Promise<void>
  /** Ends it for good; resolves when its process is gone. */
  close(): Promise<void>
}

export const segmentPath = (shmDir: string, instance: number): string => join(shmDir, `plugin-${instance}`)

/** Puts a plugin into a seat: adopts the process that `saved` names where it still runs, else starts one. */
export function takeSeat(spec: FastPluginSpec, saved: SavedSeat, needs: SeatNeeds): Seat {
  const { promise: settled, resolve: settle } = Promise.withResolvers<void>()
  let { instance } = saved
  let process: DataProcess | undefined = adoptDataProcess(saved.pid, segmentPath(needs.shmDir, instance))
  let adopted = process !== undefined
  let working = adopted
  let closing = false
  let failed = false
  let detail = adopted ? 'adopted' : ''

  function removeFiles(): void {
    for (const path of [segmentPath(needs.shmDir, instance), configPath()]) rmSync(path, { force: true })
  }
  const configPath = (): string => join(needs.shmDir, `config-${instance}`)

  async function start(): Promise<string> {
    instance = needs.nextInstance()
    const segment = segmentPath(needs.shmDir, instance)
    createPluginSegment(segment)
    writeFileSync(configPath(), spec.configJson, { mode: 0o600 })
    const started = await startDataProcess(needs.wheelDsp, [segment, spec.path, configPath()], needs.logFd)
    process = started
    if (closing) await started.kill() // close() came while the process was being made, and could not see it
    const late = delay(createDeadlineMs, `PLUGIN_FAILED: create() took more than ${createDeadlineMs} ms`, {
      ref: false,
    })
    const said = await Promise.race([started.report, late])
    return said === '' ? `PLUGIN_FAILED: the process ${await started.exited} before the plugin was created` : said
  }

  async function begin(): Promise<string> {
    if (!adopted) return start()
    adopted = false
    return 'ready'
  }

  async function live(ready: () => void): Promise<'again' | 'enough'> {
    const said = await begin()
    if (said === 'ready') {
      working = true
      ready()
      needs.changed()
      needs.log.info({ plugin: spec.name, pid: process?.pid, instance }, 'plugin ready')
      settle()
      detail = `its process ${await process?.exited}`
    } else {
      await process?.kill()
      detail = said
    }
    working = false
    failed = lasting.includes(said.split(':', 1)[0] as string)
    needs.log.warn({ plugin: spec.name, instance, detail }, failed ? 'plugin refused' : 'plugin lost')
    process = undefined
    needs.changed()
    removeFiles()
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
    saved: () => ({
      slot: saved.slot,
      life: saved.life,
      instance,
      pid: process?.pid ?? 0,
      restarts: kept.state().restarts,
    }),
    killProcess: async (why) => {
      needs.log.warn({ plugin: spec.name, instance, why }, 'ending the process of a plugin')
      await process?.kill()
    },
    close: async () => {
      closing = true
      const over = kept.close()
      await process?.kill()
      await over
    },
  }
}
