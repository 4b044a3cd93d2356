import type { Logger } from 'pino'
import type { FastPluginSpec } from '../../gen/proto/openracing/v1/dsp_helper.ts'
import { PluginState } from '../../gen/proto/openracing/v1/plugin.ts'
import { nobody, type ProcessIdentity } from '../../supervision/found-process.ts'
import { keepRunning } from '../../supervision/keep-running.ts'
import { standardRestart } from '../../supervision/restart.ts'
import type { ChainPlace } from './control.ts'
import type { Reason } from './plugin-ending.ts'
import { beginLife, lookBack, type PluginLife, type PluginLifeNeeds } from './plugin-life.ts'
import { adoptPluginProcess } from './plugin-process.ts'

/** Failures that the same library with the same configuration would only repeat. */
const lasting = ['PLUGIN_INVALID', 'PLUGIN_ABI_MISMATCH', 'CONFIG_INVALID', 'PERMISSION_DENIED']

const givenUp =
  'it was lost more than 10 times in 10 min and is given up: it is tried once more after 10 min, or when it is reloaded'

/** What a seat needs from the rig. */
export interface SeatNeeds extends PluginLifeNeeds {
  readonly log: Logger
  /** A name for shared memory that was never given out before. */
  readonly nextInstance: () => number
}

/** A seat as it is kept for a helper that comes after us, with its process where that is ready for frames. */
export interface SavedSeat extends ProcessIdentity {
  readonly slot: number
  readonly life: number
  readonly instance: number
  /** What the kernel put round its process, SANDBOX_* bits; 0 where there is none. */
  readonly fence: number
  readonly restarts: number
}

/** A place in the chain, but for how often who sits there is called. */
export type SeatPlace = Omit<ChainPlace, 'every'>

/** The process of a seat. */
export interface SeatProcess extends ProcessIdentity {
  readonly instance: number
}

/** A Fast plugin in one version and configuration: its process, started again when it ends. */
export interface Seat extends Readonly<{ spec: FastPluginSpec }> {
  /** Its place in the chain while its process is ready for frames. */
  place(): SeatPlace | undefined
  saved(): SavedSeat
  /** What its process is known by, ready or not. */
  process(): SeatProcess
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

const hasCode = (failure: string, codes: readonly string[]): boolean =>
  codes.includes(failure.split(':', 1)[0] as string)

/** Puts a plugin into a seat: adopts the process that `saved` names where it still runs, else starts one. */
export function takeSeat(spec: FastPluginSpec, saved: SavedSeat, needs: SeatNeeds): Seat {
  const { log, changed } = needs
  const { promise: settled, resolve: settle } = Promise.withResolvers<void>()
  const found = adoptPluginProcess(saved, saved.instance)
  let current: PluginLife | undefined = found && beginLife(spec, saved.instance, needs, found)
  let { instance } = saved
  let working = current !== undefined
  let failed = false
  let closing = false
  let detail = found === undefined ? '' : 'adopted'
  if (found === undefined && saved.pid !== 0) detail = lookBack(saved.instance, needs)

  /** Resolves with how it ended. */
  async function serve(life: PluginLife, ready: () => void): Promise<string> {
    working = true
    ready()
    changed()
    log.info({ plugin: spec.name, pid: life.process().pid, instance }, 'plugin ready')
    settle()
    return life.ended()
  }

  async function live(ready: () => void): Promise<'again' | 'excused' | 'enough'> {
    const life = current ?? beginLife(spec, needs.nextInstance(), needs)
    current = life
    instance = life.instance
    const failure = await life.begun
    detail = failure ?? (await serve(life, ready))
    failed = failure !== undefined && hasCode(failure, lasting)
    if (!closing) log.warn({ plugin: spec.name, instance, detail }, failed ? 'plugin refused' : 'plugin lost')
    working = false
    current = undefined
    const fed = needs.isFed(life.instance)
    changed() // the loop is not to look for what is removed now
    await life.close()
    settle()
    if (failed) return 'enough'
    // Without a loop it has no frames, and ends for that.
    return failure !== undefined || fed ? 'again' : 'excused'
  }

  const kept = keepRunning(live, { policy: standardRestart, now: () => performance.now(), restarts: saved.restarts })

  function process(): SeatProcess {
    const { pid, startTicks } = current?.process() ?? nobody
    return { instance, pid, startTicks }
  }

  function state(): PluginState {
    if (failed) return PluginState.PLUGIN_STATE_FAILED
    switch (kept.state().kind) {
      case 'running':
        return PluginState.PLUGIN_STATE_RUNNING
      case 'waiting':
        return PluginState.PLUGIN_STATE_WAITING
      case 'failed':
        return PluginState.PLUGIN_STATE_FAILED
      case 'starting':
      case 'stopped':
        return PluginState.PLUGIN_STATE_LOADED
    }
  }

  return {
    spec,
    settled,
    state,
    detail: () => (kept.state().kind === 'failed' ? `${detail}; ${givenUp}` : detail),
    place: () => {
      const { slot, life } = saved
      return working ? { slot, life, instance, budgetUs: spec.budgetUs, pid: process().pid } : undefined
    },
    saved: () => ({
      ...saved,
      ...(working ? process() : { ...nobody, instance }),
      fence: working ? (current?.fence() ?? 0) : 0,
      restarts: kept.state().restarts,
    }),
    process,
    endProcess: (why) => current?.end(why),
    close: async () => {
      closing = true
      const over = kept.close()
      await current?.close()
      await over
    },
  }
}
