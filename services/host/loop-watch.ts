import { setTimeout as delay } from 'node:timers/promises'
import type { PluginServices } from './plugin-services.ts'

/** How often a loop that is about to tick is looked at, ms: it says nothing, it only ticks. */
const lookEveryMs = 20

/** Whether the loop ticks, in the operator's words. */
export interface LoopWatch {
  /** Why no loop ticks, a clause; undefined while one does. Asks the dsp-helper, which starts it. Never throws. */
  complaint(): Promise<string | undefined>
  /** Resolves when a loop ticks, or at `signal`. */
  ticking(signal: AbortSignal): Promise<void>
}

export interface LoopWatchNeeds {
  readonly ticks: () => boolean
  readonly services: Pick<PluginServices, 'dataPlane'>
  readonly isServing: (service: string) => boolean
  /** Path of the file that wheel-rt writes its reasons to. */
  readonly dataPlaneLog: string
}

const times = (count: number): string => (count === 1 ? 'once' : `${count} times`)

export function watchLoop({ ticks, services, isServing, dataPlaneLog }: LoopWatchNeeds): LoopWatch {
  async function silence(): Promise<string> {
    if (!isServing('dsp-helper')) return 'the dsp-helper, which starts it, does not run'
    const plane = await services.dataPlane().catch(() => undefined)
    if (plane === undefined) return 'the dsp-helper, which starts it, does not answer'
    const { wheelRtPid: pid, wheelRtRestarts: restarts } = plane
    const process = pid === 0 ? 'it has no process' : `its process ${pid} does not tick`
    return `${process}, it was started again ${times(restarts)}; ${dataPlaneLog} says why`
  }

  return {
    complaint: async () => (ticks() ? undefined : silence()),
    async ticking(signal) {
      while (!ticks() && !signal.aborted) await delay(lookEveryMs, undefined, { signal }).catch(() => undefined)
    },
  }
}
