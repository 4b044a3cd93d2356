import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import { type EndedCalls, endedInside, keyOfId } from '../wasm-runner/call-record.ts'
import type { Conduct } from './conduct.ts'
import type { ServiceReport } from './conduct-report.ts'
import type { Plan } from './plugin-plan.ts'

export interface EndedCallsNeeds {
  readonly ended: EndedCalls
  readonly conduct: Pick<Conduct, 'observe'>
  readonly plan: Pick<Plan, 'plugins'>
  /** The wall clock, ms since 1970. */
  readonly nowMs: () => number
  readonly log: Pick<Logger, 'error'>
}

/** A count that is new altogether: no service counts under its name. */
const crashOf = (id: string, nowMs: number): ServiceReport['plugins'][number] => ({
  id,
  name: `end ${randomUUID()}`,
  tallies: [{ word: 'crash', as: 'crash', count: 1, lastUs: nowMs * 1000, detail: endedInside }],
})

/**
 * Counts a crash for each plugin in whose code the wasm-runner has just ended, before another one is started: what that
 * one could tell of it would be lost with it, where it ends as soon. Of a database that takes nothing the runner tells.
 */
export function countEndedCalls({ ended, conduct, plan, nowMs, log }: EndedCallsNeeds): void {
  try {
    ended.count((keys) => {
      const ids = plan.plugins().flatMap(({ manifest, problem }) => (problem === null && manifest ? [manifest.id] : []))
      const guilty = ids.filter((id) => keys.includes(keyOfId(id)))
      conduct.observe([{ pluginClass: 'Safe', plugins: guilty.map((id) => crashOf(id, nowMs())) }])
    })
  } catch (cause) {
    log.error({ err: cause }, 'in whose code the wasm-runner ended is not counted yet')
  }
}
