import { setTimeout as delay } from 'node:timers/promises'
import type { PluginServices } from './plugin-services.ts'

/** How often a loop that is about to tick is looked at, ms: it says nothing, it only ticks. */
const lookEveryMs = 20

/** How the loop fares; `complaint` is a clause. It is starting until it was lost once. */
export type LoopStanding =
  | { readonly kind: 'ticking' }
  | { readonly kind: 'starting' | 'missing'; readonly complaint: string }

/** Whether the loop ticks, in the operator's words. */
export interface LoopWatch {
  /** Asks the dsp-helper, which starts it. Never throws. */
  standing(): Promise<LoopStanding>
  /** Why no loop ticks; undefined while one does. As standing(). */
  complaint(): Promise<string | undefined>
  /** Resolves when a loop ticks, when one was lost or cannot be started, or at `signal`. */
  settled(signal: AbortSignal): Promise<void>
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
  const missing = (complaint: string): LoopStanding => ({ kind: 'missing', complaint })

  async function standing(): Promise<LoopStanding> {
    if (ticks()) return { kind: 'ticking' }
    if (!isServing('dsp-helper')) return missing('the dsp-helper, which starts it, does not run')
    const plane = await services.dataPlane().catch(() => undefined)
    if (plane === undefined) return missing('the dsp-helper, which starts it, does not answer')
    const { wheelRtPid: pid, wheelRtRestarts: restarts } = plane
    const process = pid === 0 ? 'it has no process' : `its process ${pid} does not tick`
    const complaint = `${process}, it was started again ${times(restarts)}; ${dataPlaneLog} says why`
    return { kind: restarts === 0 && pid !== 0 ? 'starting' : 'missing', complaint }
  }

  return {
    standing,
    async complaint() {
      const now = await standing()
      return now.kind === 'ticking' ? undefined : now.complaint
    },
    async settled(signal) {
      while ((await standing()).kind === 'starting' && !signal.aborted)
        await delay(lookEveryMs, undefined, { signal }).catch(() => undefined)
    },
  }
}
