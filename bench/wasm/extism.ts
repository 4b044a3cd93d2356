import { type Contestant, createContestant } from '../contestant.ts'
import { startMeasured } from './child.ts'
import { type DensityFigures, densityOf } from './density.ts'
import type { ExtismQuestion } from './extism-process.ts'
import { median } from './median.ts'

export interface CallFigures {
  /** CPU time of the whole process for a call, and how long the call took; medians of the rounds' means. */
  readonly us: number
  readonly wall_us: number
  readonly calls: number
}

/** In the caller's own thread, or each plugin in one of its own: only there Extism can end what does not return. */
export const extismModes = ['in_process', 'in_worker'] as const
export type ExtismMode = (typeof extismModes)[number]

const loadOf = (mode: ExtismMode, plugins: number): ExtismQuestion => ({
  kind: 'load',
  plugins,
  worker: mode === 'in_worker',
})

interface Calls {
  readonly calls: number
  readonly wallMs: number
  readonly cpuMs: number
}

/** The shortest that tells something of a call, ms. */
const warmMs = 300

/** One call after the other. */
export function extismCall(mode: ExtismMode): Contestant<CallFigures> {
  const [us, wallUs]: [number[], number[]] = [[], []]
  let total = 0
  return createContestant(
    `extism_call.${mode}`,
    async (ms) => {
      await using process = await startMeasured('extism-process.ts')
      await process.ask(loadOf(mode, 1))
      await process.ask({ kind: 'call', ms: Math.min(4 * ms, warmMs) })
      const { calls, wallMs, cpuMs } = await process.ask<Calls>({ kind: 'call', ms })
      us.push((cpuMs / calls) * 1000)
      wallUs.push((wallMs / calls) * 1000)
      total += calls
    },
    () => ({ us: median(us), wall_us: median(wallUs), calls: total }),
  )
}

/** The guest of density.ts. */
export const extismDensity = (mode: ExtismMode, plugins: number): Contestant<DensityFigures> =>
  densityOf(`extism_density.${mode}_${plugins}`, {
    program: 'extism-process.ts',
    plugins,
    load: loadOf(mode, plugins),
  })
