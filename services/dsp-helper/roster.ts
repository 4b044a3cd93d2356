import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { z } from 'zod'

const fastPluginSpec = z.strictObject({
  id: z.string(),
  name: z.string(),
  path: z.string(),
  sha256: z.string(),
  configJson: z.string(),
  budgetUs: z.number(),
  maxMemoryBytes: z.string(),
})

const rosterSchema = z.strictObject({
  version: z.literal(1),
  /** Names for shared memory that were given out; never given twice. */
  instances: z.int().min(0),
  lives: z.int().min(0),
  seats: z.array(
    z.strictObject({
      spec: fastPluginSpec,
      slot: z.int().min(0).max(15),
      life: z.int().min(0),
      instance: z.int().min(0),
      pid: z.int().min(0),
      restarts: z.int().min(0),
    }),
  ),
  wheelRtRestarts: z.int().min(0),
})

/**
 * Which processes run the data plane: what a helper that replaces us needs to adopt them. It lies beside the shared
 * memory and goes with it.
 */
export type Roster = z.infer<typeof rosterSchema>

export const emptyRoster: Roster = { version: 1, instances: 0, lives: 0, seats: [], wheelRtRestarts: 0 }

/** The roster that was left there, or an empty one. A roster that cannot be read adopts nobody. */
export function readRoster(path: string): Roster {
  try {
    return rosterSchema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return emptyRoster
  }
}

/** Replaces the roster whole: a helper that is killed here leaves the one before. */
export function writeRoster(path: string, roster: Roster): void {
  const temporary = `${path}.new`
  writeFileSync(temporary, JSON.stringify(roster), { mode: 0o600 })
  renameSync(temporary, path)
}
