import { growthSince, type Reading } from '../conduct-intake.ts'
import { halvingsMax } from '../conduct-policy.ts'
import { blameless, type ConductState, next } from '../conduct-state.ts'
import { releasedAt, reportAt, scriptPolicy, timeOf } from './conduct-script.ts'

const most = halvingsMax('Fast', 1000, scriptPolicy)

/** One host that lives through all that others died of. */
export function createSurvivor() {
  const states = new Map<string, ConductState>()
  const readings = new Map<string, Reading>()
  const stateOf = (id: string): ConductState => states.get(id) ?? blameless
  return {
    observe(step: number): void {
      for (const plugin of reportAt(step).plugins) {
        const { counts, reading } = growthSince(readings.get(plugin.id), plugin)
        if (reading !== undefined) readings.set(plugin.id, reading)
        const event = { kind: 'violated', counts, halvingsMax: most } as const
        states.set(plugin.id, next(stateOf(plugin.id), event, timeOf(step), scriptPolicy).state)
      }
    },
    release(step: number): void {
      const id = releasedAt(step) ?? ''
      states.set(id, next(stateOf(id), { kind: 'released' }, timeOf(step), scriptPolicy).state)
    },
    stateOf,
  }
}
