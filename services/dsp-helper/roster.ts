import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { chainMax, pluginPhases } from '../../gen/layout.ts'
import type { Frozen } from '../../input/freeze.ts'
import { namedProcess, replaceRoster } from '../../shm/data-plane-processes.ts'
import { violationKinds } from './conduct.ts'

const count = z.int().min(0)

const fastPluginSpec = z.strictObject({
  id: z.string(),
  name: z.string(),
  path: z.string(),
  sha256: z.string(),
  configJson: z.string(),
  budgetUs: z.number(),
  maxMemoryBytes: z.string(),
  directory: z.string(),
  allowUnsandboxed: z.boolean(),
  updateRateHz: z.number().optional(),
})

const conduct = z.strictObject({
  charges: z.array(
    z.strictObject({
      kind: z.enum(violationKinds),
      detail: z.string(),
      phase: z.enum(pluginPhases).nullable(),
      sequence: count,
      count,
      lastMs: count,
    }),
  ),
  allocations: count,
  life: z.strictObject({
    life: count,
    budget: count,
    inTheWay: count,
    results: count,
    notFinite: count,
    unreturned: count,
  }),
  processes: z.array(z.strictObject({ instance: count, refused: count, allocations: count })),
})

const rosterSchema = z.strictObject({
  version: z.literal(5),
  /** Names for shared memory that were given out; never given twice. */
  instances: count,
  lives: count,
  places: z.array(
    z.strictObject({
      spec: fastPluginSpec,
      conduct,
      tenure: z.string().regex(/^\d{1,19}$/),
      slot: count.max(chainMax - 1),
      life: count,
      ...namedProcess,
      fence: count,
      restarts: count,
    }),
  ),
  /** Processes of plugins that are not to be adopted: they were not ready for frames, or were about to end. */
  others: z.array(z.strictObject(namedProcess)),
  wheelRtRestarts: count,
})

/**
 * Which processes run the data plane, and what each plugin did that it must not: what a helper that replaces us needs to
 * adopt them. It lies beside the shared memory and goes with it.
 */
export type Roster = Frozen<z.infer<typeof rosterSchema>>

const emptyRoster: Roster = { version: 5, instances: 0, lives: 0, places: [], others: [], wheelRtRestarts: 0 }

/** The roster that was left there, or an empty one. A roster that cannot be read adopts nobody. */
export function readRoster(path: string): Roster {
  try {
    return rosterSchema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return emptyRoster
  }
}

export const writeRoster = (path: string, roster: Roster): void => replaceRoster(path, roster)
